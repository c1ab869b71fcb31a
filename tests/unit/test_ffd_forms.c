/* SPDX-License-Identifier: MIT */
/*
 * test_ffd_forms.c - what Russian fiscal documents stand in: messages, containers, alone; sums,
 * cuts, pieces (FFD.md T1..T10).
 */
#include "ingest/ffd_tlv.h"
#include "tests/unit/ffd_fixture.h"
#include "tests/unit/table.h"

#define FLAG_OF_THE_SUM (8 * 26 + 1) /* bit of a message: its CRC is over head and body */

static struct ffd_told told, other;

/* ---- forms ------------------------------------------------------------------------------------ */

/* One document behind the other, each in another form, and pings; in pieces of any size. */
static void
test_ffd_every_form_in_pieces(void **state)
{
    static uint8_t bytes[FFD_FORM_COUNT * FFD_FIXTURE_SIZE];
    uint8_t document[FFD_FIXTURE_SIZE];
    static const uint8_t ping[CHEK_FFD_MESSAGE_HEAD_SIZE] = "\x2a\x08\x41\x0a\x81\xa2\x01\x20"
                                                            "9999078900000031\0\0\x10";
    size_t size = 0;
    (void)state;
    for (unsigned form = 0; form < FFD_FORM_COUNT; form++) {
        size_t document_size = ffd_receipt(document, 100 + form);
        size += ffd_wrap(form, document, document_size, 100 + form, bytes + size);
        memcpy(bytes + size, ping, sizeof ping);
        size += sizeof ping;
    }
    assert_error(ffd_read(bytes, size, size, &other), CHEK_OK);
    assert_int_equal(other.document_count, FFD_FORM_COUNT);
    assert_int_equal(other.refusal_count, 0);
    for (size_t piece = 1; piece < 400; piece += 7) {
        assert_error(ffd_read(bytes, size, piece, &told), CHEK_OK);
        assert_string_equal(told.text, other.text);
        assert_int_equal(told.documents_size, other.documents_size);
        assert_memory_equal(told.documents, other.documents, other.documents_size);
    }
}

/* What is cut anywhere is refused, and is a document at no place before its last byte. */
static void
test_ffd_every_cut_is_refused(void **state)
{
    uint8_t document[FFD_FIXTURE_SIZE], bytes[FFD_FIXTURE_SIZE];
    size_t document_size = ffd_receipt(document, 7);
    (void)state;
    for (unsigned form = 0; form < FFD_FORM_COUNT; form++) {
        size_t size = ffd_wrap(form, document, document_size, 7, bytes);
        /* Without sizes of their own, only the document's end is missed. */
        size_t whole = form == FFD_ALONE ? size : form < FFD_CONTAINED ? size - 8 : size;
        for (size_t cut = 1; cut < whole; cut++) {
            (void)ffd_read(bytes, cut, cut, &told);
            assert_int_equal(told.document_count, 0);
            assert_int_equal(told.refusal_count, 1);
        }
    }
}

/* A flipped bit of what the sums cover is found. */
static void
test_ffd_every_bit_is_summed(void **state)
{
    uint8_t document[FFD_FIXTURE_SIZE], bytes[FFD_FIXTURE_SIZE];
    size_t document_size = ffd_receipt(document, 7);
    (void)state;
    for (unsigned form = FFD_CONTAINED; form <= FFD_SENT_SUMMED; form += 2) {
        size_t size = ffd_wrap(form, document, document_size, 7, bytes);
        for (size_t bit = 0; bit < 8 * size; bit++) {
            if (form == FFD_SENT_SUMMED && bit == FLAG_OF_THE_SUM) {
                continue; /* then the message says that it has none */
            }
            bytes[bit / 8] ^= (uint8_t)(1u << (bit % 8));
            (void)ffd_read(bytes, size, size, &told);
            assert_int_equal(told.document_count, 0);
            bytes[bit / 8] ^= (uint8_t)(1u << (bit % 8));
        }
    }
}

/* A byte of a form becomes another, the sums are made right: what is told then. */
static struct change_case {
    const char *name;
    enum ffd_form form;
    size_t at;
    uint8_t byte;
    bool resums;
    const char *want;
} changes[] = {
    {"nothing", FFD_SENT_SUMMED, 4, 0x81, true, FFD_TOLD},
    {"version_of_tests", FFD_SENT, 4, 0x82, true, NULL},
    {"magic_of_the_marking_system", FFD_SENT, 0, 0xdd, true,
     "0 MAGIC : these are not bytes of this format\n"},
    {"reserved_flag", FFD_SENT, 26, 0x1c, true, "0 RESERVED : reserved bytes are not zero\n"},
    {"sum_mode_3", FFD_SENT, 26, 0x17, true, "0 RESERVED : reserved bytes are not zero\n"},
    {"sum_of_the_message", FFD_SENT_SUMMED, 28, 0, false,
     "0 CHECKSUM : the message's checksum does not match\n"},
    {"sum_of_the_container", FFD_CONTAINED, 2, 0, false,
     "0 CHECKSUM : the container's checksum does not match\n"},
    {"encrypted", FFD_SENT, 62, 0x77, true,
     "0 VERSION : the container is encrypted: only the operator's keys open it\n"},
    {"kind_of_the_container", FFD_SENT, 34, 0xa6, true,
     "0 VERSION : the container is of another kind or version\n"},
    {"drive_of_the_container", FFD_SENT, 46, 0x32, true,
     "0 RANGE receipt.fiscal_drive: the container is of another fiscal drive\n"},
    {"drive_that_is_no_number", FFD_SENT, 46, 0xa1, true,
     "0 NUMBER : the container's fiscal drive is no number\n"},
    {"number_of_the_container", FFD_SENT, 49, 8, true,
     "0 RANGE receipt.document: the container is of another document\n"},
    {"size_of_the_body", FFD_SENT, 24, 1, false, NULL},
};

static void
test_ffd_change(void **state)
{
    const struct change_case *c = *state;
    uint8_t document[FFD_FIXTURE_SIZE], bytes[2 * FFD_FIXTURE_SIZE];
    size_t document_size = ffd_receipt(document, 7);
    size_t size = ffd_wrap(c->form, document, document_size, 7, bytes);
    bytes[c->at] = c->byte;
    if (c->resums) {
        ffd_resum(c->form, bytes, size);
    }
    (void)ffd_read(bytes, size, size, &told);
    if (c->want != NULL) {
        assert_string_equal(told.text, c->want);
    } else {
        assert_int_equal(told.document_count, 0);
        assert_in_range(told.refusal_count, 1, 2);
    }
}

/* Where the next begins is known, reading goes on behind what was refused. */
static void
test_ffd_reading_goes_on(void **state)
{
    uint8_t document[FFD_FIXTURE_SIZE], bytes[2 * FFD_FIXTURE_SIZE];
    size_t document_size = ffd_receipt(document, 7);
    size_t size = ffd_wrap(FFD_CONTAINED, document, document_size, 7, bytes);
    (void)state;
    bytes[2] ^= 1;
    size_t both = size + ffd_wrap(FFD_SENT, document, document_size, 7, bytes + size);
    assert_error(ffd_read(bytes, both, 50, &told), CHEK_OK);
    assert_int_equal(told.refusal_count, 1);
    assert_int_equal(told.document_count, 1);
    memcpy(bytes, "no document", 11);
    assert_error(ffd_read(bytes, both, 50, &told), CHEK_E_MAGIC);
    assert_string_equal(told.text, "0 MAGIC : these are not bytes of this format\n");
}

/* A container's kind and code are also what tag 1189 is. */
static void
test_ffd_document_that_looks_like_a_container(void **state)
{
    static uint8_t bytes[FFD_FIXTURE_SIZE];
    struct chek_writer out = chek_writer_over(bytes, sizeof bytes);
    (void)state;
    size_t opened = chek_ffd_open(&out, 2);
    chek_ffd_put_u8(&out, 1189, 4);
    chek_ffd_put_u32(&out, 1040, 7);
    ffd_end(&out, opened);
    assert_error(ffd_read(bytes, out.size, out.size, &told), CHEK_OK);
    assert_string_equal(told.text, "0 passed openShift\n");
}

int
main(void)
{
    static struct table table;
    TABLE_TEST(&table, test_ffd_every_form_in_pieces);
    TABLE_TEST(&table, test_ffd_every_cut_is_refused);
    TABLE_TEST(&table, test_ffd_every_bit_is_summed);
    TABLE_ROWS(&table, test_ffd_change, changes);
    TABLE_TEST(&table, test_ffd_reading_goes_on);
    TABLE_TEST(&table, test_ffd_document_that_looks_like_a_container);
    return table_run(&table, "ffd_forms");
}
