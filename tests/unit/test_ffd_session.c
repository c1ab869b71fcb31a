/* SPDX-License-Identifier: MIT */
/* test_ffd_session.c - messages of Russian registers and their answers (FFD.md S1..S9). */
#include "ingest/ffd_session.h"
#include "ingest/ffd_tlv.h"
#include "tests/unit/ffd_fixture.h"
#include "tests/unit/table.h"

#define HEAD CHEK_FFD_MESSAGE_HEAD_SIZE
#define CONTAINED (HEAD + CHEK_FFD_CONTAINER_HEAD_SIZE)

static uint8_t bytes[FFD_FIXTURE_SIZE];

/* A message of receipt 7, with a sum or without; its size. */
static size_t
message_make(enum ffd_form form)
{
    uint8_t document[FFD_FIXTURE_SIZE];
    size_t size = ffd_receipt(document, 7);
    return ffd_wrap(form, document, size, 7, bytes);
}

/* ---- questions -------------------------------------------------------------------------------- */

/* A message that was changed: bytes set, then the sums made anew where the row says so. */
enum { AS_IT_IS, RESUM };

static struct change {
    const char *name;
    size_t at;
    uint8_t size;
    const char *bytes;
    uint8_t form, sums;
    int error;       /* the framing's */
    uint8_t kind;    /* when there is none */
    int wrong;       /* why it is refused */
    uint8_t verdict; /* of a refusal */
    uint32_t number;
} changes[] = {
    {"nothing", 0, 1, "\x2a", FFD_SENT, AS_IT_IS, 0, CHEK_FFD_DOCUMENT, 0, 0, 7},
    {"nothing_summed", 0, 1, "\x2a", FFD_SENT_SUMMED, AS_IT_IS, 0, CHEK_FFD_DOCUMENT, 0, 0, 7},
    {"signature", 3, 1, "\x0b", FFD_SENT, AS_IT_IS, CHEK_E_MAGIC, 0, 0, 0, 0},
    {"of_the_marking_system", 0, 6, "\xdd\x80\xca\xa1\x82\xa2", FFD_SENT, AS_IT_IS, CHEK_E_MAGIC, 0,
     0, 0, 0},
    {"session_version", 5, 1, "\xa3", FFD_SENT, AS_IT_IS, CHEK_E_VERSION, 0, 0, 0, 0},
    {"version_of_tests", 4, 2, "\x82\xfb", FFD_SENT, AS_IT_IS, 0, CHEK_FFD_DOCUMENT, 0, 0, 7},
    {"any_format", 6, 2, "\x01\x20", FFD_SENT, AS_IT_IS, 0, CHEK_FFD_DOCUMENT, 0, 0, 7},
    {"body_of_32_769", 24, 2, "\x01\x80", FFD_SENT, AS_IT_IS, CHEK_E_LIMIT, 0, 0, 0, 0},
    {"body_of_32_768", 24, 2, "\x00\x80", FFD_SENT, AS_IT_IS, CHEK_E_SHORT, 0, 0, 0, 0},
    {"flag_8", 26, 1, "\x1c", FFD_SENT, AS_IT_IS, CHEK_E_RESERVED, 0, 0, 0, 0},
    {"flag_256", 27, 1, "\x01", FFD_SENT, AS_IT_IS, CHEK_E_RESERVED, 0, 0, 0, 0},
    {"sums_of_mode_3", 26, 1, "\x17", FFD_SENT, AS_IT_IS, CHEK_E_RESERVED, 0, 0, 0, 0},
    {"sum_of_the_message", 28, 1, "\x01", FFD_SENT_SUMMED, AS_IT_IS, CHEK_E_CHECKSUM, 0, 0, 0, 0},
    {"no_sum_and_one_stated", 28, 1, "\x01", FFD_SENT, AS_IT_IS, 0, CHEK_FFD_DOCUMENT, 0, 0, 7},
    {"sum_of_the_container", HEAD + 2, 2, "\1\1", FFD_SENT, AS_IT_IS, 0, CHEK_FFD_REFUSED,
     CHEK_E_CHECKSUM, CHEK_FFD_NOT_RECOGNISED, 0},
    {"size_of_the_container", HEAD, 1, "\x01", FFD_SENT, RESUM, 0, CHEK_FFD_REFUSED, CHEK_E_RANGE,
     CHEK_FFD_NOT_RECOGNISED, 0},
    {"kind_of_the_container", HEAD + 4, 1, "\xa6", FFD_SENT, RESUM, 0, CHEK_FFD_REFUSED,
     CHEK_E_VERSION, CHEK_FFD_NOT_RECOGNISED, 0},
    {"encrypted", CONTAINED, 4, "\x99\x88\x77\x66", FFD_SENT, RESUM, 0, CHEK_FFD_REFUSED,
     CHEK_E_VERSION, CHEK_FFD_NOT_RECOGNISED, 7},
    {"drive_that_is_no_number", HEAD + 9, 1, "\xa9", FFD_SENT, RESUM, 0, CHEK_FFD_REFUSED,
     CHEK_E_NUMBER, CHEK_FFD_NOT_RECOGNISED, 7},
    {"another_drive", 8, 1, "8", FFD_SENT, AS_IT_IS, 0, CHEK_FFD_REFUSED, CHEK_E_RANGE,
     CHEK_FFD_NOT_VALID, 7},
    {"no_drive", 8, 16, "                ", FFD_SENT, AS_IT_IS, 0, CHEK_FFD_REFUSED, CHEK_E_RANGE,
     CHEK_FFD_NOT_VALID, 7},
    {"a_body_and_no_container", 26, 1, "\x10", FFD_SENT, AS_IT_IS, 0, CHEK_FFD_REFUSED,
     CHEK_E_RANGE, CHEK_FFD_NOT_RECOGNISED, 0},
};

static void
test_ffd_session(void **state)
{
    const struct change *c = *state;
    struct chek_ffd_asked_message asked;
    size_t size = message_make(c->form);
    memcpy(bytes + c->at, c->bytes, c->size);
    if (c->sums == RESUM) {
        ffd_resum(c->form, bytes, size);
    }
    assert_error(chek_ffd_asked_read(chek_bytes_view_of(bytes, size), &asked), c->error);
    if (c->error == CHEK_OK) {
        assert_int_equal(asked.size, size);
        assert_int_equal(asked.kind, c->kind);
        assert_error(asked.error, c->wrong);
        assert_int_equal(asked.verdict, c->verdict);
        assert_int_equal(asked.number, c->number);
        assert_true((asked.why != NULL) == (c->kind == CHEK_FFD_REFUSED));
    }
}

/* Documents that registers do not send. */
static void
test_ffd_session_codes(void **state)
{
    (void)state;
    for (unsigned code = 0; code < 256; code++) {
        static const uint8_t sent[] = {1, 2, 3, 4, 5, 6, 11, 21, 31, 41};
        uint8_t document[FFD_FIXTURE_SIZE];
        struct chek_ffd_asked_message asked;
        size_t size = ffd_receipt(document, 7);
        document[0] = (uint8_t)code;
        size = ffd_wrap(FFD_SENT, document, size, 7, bytes);
        assert_error(chek_ffd_asked_read(chek_bytes_view_of(bytes, size), &asked), CHEK_OK);
        bool is_sent = memchr(sent, (int)code, sizeof sent) != NULL;
        assert_int_equal(asked.kind, is_sent ? CHEK_FFD_DOCUMENT : CHEK_FFD_REFUSED);
        assert_int_equal(asked.verdict, is_sent ? 0 : CHEK_FFD_NOT_RECOGNISED);
    }
}

/* No byte of a message before its last one is a message, and what follows it is not looked at. */
static void
test_ffd_session_cuts(void **state)
{
    struct chek_ffd_asked_message asked;
    size_t size = message_make(FFD_SENT_SUMMED);
    (void)state;
    for (size_t cut = 0; cut < size; cut++) {
        assert_error(chek_ffd_asked_read(chek_bytes_view_of(bytes, cut), &asked), CHEK_E_SHORT);
        assert_int_equal(asked.size, cut < HEAD ? 0 : size);
    }
    memset(bytes + size, 0xee, 100);
    assert_error(chek_ffd_asked_read(chek_bytes_view_of(bytes, size + 100), &asked), CHEK_OK);
    assert_int_equal(asked.size, size);
    assert_int_equal(asked.kind, CHEK_FFD_DOCUMENT);
}

/* The answer's mode: bits 4 and 5; a ping is always answered. */
static void
test_ffd_session_wishes(void **state)
{
    (void)state;
    for (unsigned mode = 0; mode < 4; mode++) {
        struct chek_ffd_asked_message asked;
        size_t size = message_make(FFD_SENT);
        bytes[26] = (uint8_t)(CHEK_FFD_FLAG_CONTAINER | mode << 4);
        assert_error(chek_ffd_asked_read(chek_bytes_view_of(bytes, size), &asked), CHEK_OK);
        assert_int_equal(asked.wants_answer, mode != 0);
        bytes[24] = bytes[25] = 0;
        bytes[26] = (uint8_t)(mode << 4);
        assert_error(chek_ffd_asked_read(chek_bytes_view_of(bytes, HEAD), &asked), CHEK_OK);
        assert_int_equal(asked.kind, CHEK_FFD_PING);
        assert_true(asked.wants_answer);
    }
}

/* ---- answers ---------------------------------------------------------------------------------- */

static const struct {
    int error;
    uint8_t status;
    int code; /* of a refusal */
    enum chek_ffd_verdict verdict;
} verdicts[] = {
    {CHEK_OK, CHEK_STATUS_STORED, 0, CHEK_FFD_ACCEPTED},
    {CHEK_OK, CHEK_STATUS_DUPLICATE, 0, CHEK_FFD_ACCEPTED},
    {CHEK_OK, CHEK_STATUS_COMPLETED, 0, CHEK_FFD_ACCEPTED},
    {CHEK_OK, CHEK_STATUS_CONFLICT, CHEK_E_CONFLICT, CHEK_FFD_NOT_VALID},
    {CHEK_OK, CHEK_STATUS_REFUSED, CHEK_E_TOTAL_MISMATCH, CHEK_FFD_NOT_VALID},
    {CHEK_OK, CHEK_STATUS_REFUSED, CHEK_E_RANGE, CHEK_FFD_NOT_VALID},
    {CHEK_OK, CHEK_STATUS_REFUSED, CHEK_E_SHORT, CHEK_FFD_NOT_VALID},
    {CHEK_OK, CHEK_STATUS_REFUSED, CHEK_E_EXISTS, CHEK_FFD_NOT_VALID},
    {CHEK_OK, CHEK_STATUS_REFUSED, CHEK_E_OVERFLOW, CHEK_FFD_NOT_VALID},
    {CHEK_OK, CHEK_STATUS_REFUSED, CHEK_E_FULL, CHEK_FFD_NO_VERDICT},
    {CHEK_OK, CHEK_STATUS_REFUSED, CHEK_E_CORRUPT, CHEK_FFD_NO_VERDICT},
    {CHEK_OK, CHEK_STATUS_REFUSED, CHEK_E_COLD, CHEK_FFD_NO_VERDICT},
    {CHEK_OK, CHEK_STATUS_REFUSED, CHEK_E_LATCHED, CHEK_FFD_NO_VERDICT},
    {CHEK_OK, CHEK_STATUS_REFUSED, -12, CHEK_FFD_NO_VERDICT},
    {CHEK_E_BUSY, 0, 0, CHEK_FFD_NO_VERDICT},
    {-12, 0, 0, CHEK_FFD_NO_VERDICT},
    {CHEK_E_LIMIT, 0, 0, CHEK_FFD_NOT_VALID},
};

static void
test_ffd_verdicts(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof verdicts / sizeof *verdicts; i++) {
        struct chek_result result = {.status = verdicts[i].status,
                                     .code = (uint32_t)-verdicts[i].code};
        assert_int_equal(chek_ffd_verdict_of(verdicts[i].error, &result), verdicts[i].verdict);
    }
}

/* An answer is a message that holds document 7, with the question's sum and version. */
static void
test_ffd_reply_is_a_message(void **state)
{
    (void)state;
    for (unsigned mode = 0; mode < 3; mode++) {
        uint8_t answer[CHEK_FFD_ANSWER_SIZE_MAX];
        struct chek_ffd_reply reply = {
            .head = {.version = 0xa281, .format = 0x0120, .flags = (uint16_t)(0x14 | mode)},
            .number = 0x1234567,
            .time = 1785775440};
        struct chek_writer out = chek_writer_over(answer, sizeof answer);
        struct chek_ffd_message head;
        struct chek_ffd_found found;
        strcpy(reply.head.drive, mode == 1 ? "999907890000003" : "9999078900000031");
        chek_ffd_reply_write(&reply, CHEK_FFD_NOT_VALID, chek_bytes_view_text("7704211201"), &out);
        assert_error(chek_ffd_message_read(chek_bytes_view_of(answer, out.size), &head), CHEK_OK);
        assert_int_equal(head.version, 0xa281);
        assert_int_equal(head.format, 0x0120);
        assert_int_equal(head.flags, 0x14 | mode);
        assert_string_equal(head.drive, reply.head.drive);
        assert_error(chek_ffd_find(chek_bytes_view_of(answer, out.size), &found), CHEK_OK);
        assert_int_equal(found.size, out.size);
        assert_int_equal(found.code, 7);
        assert_int_equal(found.drive, mode == 1 ? 999907890000003 : 9999078900000031);
        assert_int_equal(found.number, 0x234567);
        struct chek_ffd_walk walk;
        struct chek_ffd_element element;
        unsigned seen = 0;
        chek_ffd_walk_begin(&walk, found.elements);
        while (chek_ffd_walk_next(&walk, &element)) {
            assert_non_null(element.known);
            seen += element.tag == 1022 && element.value.bytes[0] == 14;
            seen += element.tag == 1040 && chek_load_u32(element.value.bytes) == 0x1234567;
            seen += element.tag == 1012 && chek_load_u32(element.value.bytes) == 1785775440;
            seen += element.tag == 1017 && memcmp(element.value.bytes, "7704211201  ", 12) == 0;
            seen += element.tag == 1041 && element.value.size == 16;
        }
        assert_error(walk.error, CHEK_OK);
        assert_int_equal(seen, 5);
    }
}

static void
test_ffd_pong(void **state)
{
    static const uint8_t ping[HEAD + 1] = "\x2a\x08\x41\x0a\x81\xa2\x01\x20"
                                          "9999078900000031\0\0\x10";
    uint8_t answer[HEAD];
    struct chek_ffd_asked_message asked;
    struct chek_writer out = chek_writer_over(answer, sizeof answer);
    (void)state;
    assert_error(chek_ffd_asked_read(chek_bytes_view_of(ping, HEAD), &asked), CHEK_OK);
    struct chek_ffd_reply reply = chek_ffd_reply_to(&asked);
    chek_ffd_ping_write(&reply, &out);
    assert_int_equal(out.size, HEAD);
    assert_memory_equal(answer, ping, 26);
    assert_memory_equal(answer + 26, "\0\0\0\0", 4);
}

int
main(void)
{
    struct table table = {0};
    TABLE_ROWS(&table, test_ffd_session, changes);
    TABLE_TEST(&table, test_ffd_session_codes);
    TABLE_TEST(&table, test_ffd_session_cuts);
    TABLE_TEST(&table, test_ffd_session_wishes);
    TABLE_TEST(&table, test_ffd_verdicts);
    TABLE_TEST(&table, test_ffd_reply_is_a_message);
    TABLE_TEST(&table, test_ffd_pong);
    return table_run(&table, "ffd_session");
}
