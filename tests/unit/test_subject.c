/* SPDX-License-Identifier: MIT */
/* test_subject.c - personal values: who is the same, and what becomes of those of a receipt. */
#include "ingest/subject.h"

#include <string.h>

#include "tests/unit/fake_disk.h"
#include "tests/unit/table.h"

static const struct chek_subject_key key = {.hash = {1, 2, 3}, .secret = {4, 5, 6}};

static struct normal_case {
    const char *name;
    uint8_t kind;
    const char *value, *want;
} normals[] = {
    {"an_e_mail", CHEK_PERSON_KIND_CONTACT, " Buyer@Example.KZ ", "buyer@example.kz"},
    {"a_phone", CHEK_PERSON_KIND_CONTACT, "+7 (701) 555-01-23", "+77015550123"},
    {"a_phone_with_8", CHEK_PERSON_KIND_CONTACT, "87015550123", "+77015550123"},
    {"a_phone_of_ten_digits", CHEK_PERSON_KIND_CONTACT, "7015550123", "+77015550123"},
    {"an_iin", CHEK_PERSON_KIND_TIN, "850101 300123", "850101300123"},
    {"an_iin_that_begins_with_8_is_no_phone", CHEK_PERSON_KIND_TIN, "85010130012", "85010130012"},
    {"an_inn_padded_with_blanks", CHEK_PERSON_KIND_TIN, "7825706086  ", "7825706086"},
    {"an_inn_padded_with_zeros", CHEK_PERSON_KIND_TIN, "007825706086", "7825706086"},
    {"one_that_begins_with_a_zero", CHEK_PERSON_KIND_TIN, "0107825706086", "0107825706086"},
    {"a_name", CHEK_PERSON_KIND_NAME, " \tООО  \"Образец\" ", "ООО \"Образец\""},
    {"nothing", CHEK_PERSON_KIND_NAME, "   ", ""},
    {"a_name_with_a_sign_of_e_mails", CHEK_PERSON_KIND_NAME, "A @ B", "A @ B"},
};

static void
test_normal(void **state)
{
    const struct normal_case *c = *state;
    uint8_t ret[CHEK_SUBJECT_VALUE_SIZE_MAX + 1];
    size_t size = chek_subject_normalise(c->kind, chek_bytes_view_text(c->value), ret);
    assert_int_equal(size, strlen(c->want));
    assert_memory_equal(ret, c->want, size);
}

/* The longest of each kind stays inside of what there is room for. */
static void
test_longest(void **state)
{
    uint8_t value[CHEK_SUBJECT_VALUE_SIZE_MAX];
    uint8_t ret[CHEK_SUBJECT_VALUE_SIZE_MAX + 1];
    static const size_t want[CHEK_PERSON_KIND_COUNT] = {256, 255, 255};
    (void)state;
    memset(value, '1', sizeof value);
    for (uint8_t kind = 0; kind < CHEK_PERSON_KIND_COUNT; kind++) {
        assert_int_equal(chek_subject_normalise(kind, chek_bytes_view_of(value, sizeof value), ret),
                         want[kind]);
    }
}

/* The organisation, the kind and the value make who it is; so does the folder's key. */
static void
test_ids_differ(void **state)
{
    static const struct chek_subject_key other_key = {.hash = {1, 2, 4}};
    const struct {
        const struct chek_subject_key *key;
        const char *organisation;
        uint8_t kind;
        const char *value;
    } rows[] = {{&key, "1", CHEK_PERSON_KIND_TIN, "850101300123"},
                {&key, "1", CHEK_PERSON_KIND_NAME, "850101300123"},
                {&key, "1", CHEK_PERSON_KIND_CONTACT, "850101300123"},
                {&key, "2", CHEK_PERSON_KIND_TIN, "850101300123"},
                {&key, "1", CHEK_PERSON_KIND_TIN, "850101300124"},
                {&other_key, "1", CHEK_PERSON_KIND_TIN, "850101300123"}};
    uint8_t ids[CHEK_COUNT(rows)][CHEK_SUBJECT_SIZE];
    uint8_t again[CHEK_SUBJECT_SIZE];
    (void)state;
    for (size_t i = 0; i < CHEK_COUNT(rows); i++) {
        chek_subject_id(rows[i].key, chek_bytes_view_text(rows[i].organisation), rows[i].kind,
                        chek_bytes_view_text(rows[i].value), ids[i]);
        for (size_t j = 0; j < i; j++) {
            assert_memory_not_equal(ids[i], ids[j], CHEK_SUBJECT_SIZE);
        }
    }
    chek_subject_id(&key, chek_bytes_view_text("1"), CHEK_PERSON_KIND_TIN,
                    chek_bytes_view_text("850101 300123 "), again);
    assert_memory_equal(again, ids[0], CHEK_SUBJECT_SIZE);
}

/* What a command keeps opens to what stood on the receipt. */
static void
is_sealed(const struct chek_subject *subject, const char *want)
{
    struct chek_command_subject command;
    uint8_t value[CHEK_SUBJECT_VALUE_SIZE_MAX];
    size_t size;
    assert_error(chek_command_subject_decode_whole(subject->body.bytes, subject->body.size, NULL,
                                                   &command, NULL),
                 CHEK_OK);
    assert_memory_equal(command.subject, subject->id, CHEK_SUBJECT_SIZE);
    assert_error(chek_subject_open(&key, command.secret, value, &size), CHEK_OK);
    assert_int_equal(size, strlen(want));
    assert_memory_equal(value, want, size);
}

static void
test_all_are_taken(void **state)
{
    struct fake_disk *disk = fake_disk_create();
    static uint8_t bytes[CHEK_SUBJECT_COUNT_MAX * CHEK_COMMAND_SUBJECT_SIZE_MAX];
    const char *const values[] = {"+77015550123", "buyer@example.kz", "850101300123", "Aliya"};
    const struct chek_person given[] = {
        {.kind = CHEK_PERSON_KIND_CONTACT, .value = chek_bytes_view_text(values[1])},
        {.kind = CHEK_PERSON_KIND_TIN, .value = chek_bytes_view_text(values[2])},
        {.kind = CHEK_PERSON_KIND_NAME, .value = chek_bytes_view_text(values[3])}};
    struct chek_person persons[CHEK_PERSON_COUNT_MAX];
    struct chek_subject subjects[CHEK_SUBJECT_COUNT_MAX];
    struct chek_receipt receipt = {
        .buyer = chek_bytes_view_text(values[0]), .persons = given, .persons_count = 3};
    struct chek_writer out = chek_writer_over(bytes, sizeof bytes);
    (void)state;
    assert_int_equal(chek_subjects_take(&key, &disk->io, chek_bytes_view_text("1"), &receipt,
                                        persons, &out, subjects),
                     4);
    assert_false(out.full);
    assert_int_equal(receipt.buyer.size, 0);
    assert_memory_equal(receipt.subject, subjects[0].id, CHEK_SUBJECT_SIZE);
    assert_ptr_equal(receipt.persons, persons);
    assert_int_equal(receipt.persons_count, 3);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(persons[i].kind, given[i].kind);
        assert_int_equal(persons[i].value.size, 0);
        assert_memory_equal(persons[i].subject, subjects[i + 1].id, CHEK_SUBJECT_SIZE);
        assert_memory_not_equal(subjects[i].id, subjects[i + 1].id, CHEK_SUBJECT_SIZE);
    }
    for (size_t i = 0; i < 4; i++) {
        is_sealed(&subjects[i], values[i]);
    }
    /* Without room it says so, and nothing is written behind the end. */
    for (size_t room = 0; room < out.size; room++) {
        struct chek_writer small = chek_writer_over(bytes, room);
        receipt = (struct chek_receipt){
            .buyer = chek_bytes_view_text(values[0]), .persons = given, .persons_count = 3};
        (void)chek_subjects_take(&key, &disk->io, chek_bytes_view_text("1"), &receipt, persons,
                                 &small, subjects);
        assert_true(small.full);
    }
    fake_disk_destroy(disk);
}

int
main(void)
{
    struct table table = {.count = 0};
    TABLE_ROWS(&table, test_normal, normals);
    TABLE_TEST(&table, test_longest);
    TABLE_TEST(&table, test_ids_differ);
    TABLE_TEST(&table, test_all_are_taken);
    return table_run(&table, "subject");
}
