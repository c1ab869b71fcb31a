/* SPDX-License-Identifier: MIT */
/*
 * test_persist_vectors.c - immutable files, images, commands and events are what the vectors say.
 *
 *   test_persist_vectors --write-vectors   make the vectors anew (a change of format)
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "engine/base/cursor.h"
#include "engine/base/memory.h"
#include "engine/base/writer.h"
#include "engine/partition/partition.h"
#include "persist/event_block.h"
#include "persist/snapshot.h"
#include "tests/unit/fake_disk.h"

#define VECTOR_FOLDER "tests/vectors/persist/"
#define VECTOR_SIZE_MAX (64 * 1024)
#define FOLDER_ID                                                  \
    {                                                              \
        UINT64_C(0x1122334455667788), UINT64_C(0x99aabbccddeeff00) \
    }
#define MAP_SEED UINT64_C(0x0123456789abcdef)
#define TIME_US UINT64_C(1767607200000000) /* 2026-01-05T10:00:00Z */

static const uint64_t folder_id[2] = FOLDER_ID;
static const uint8_t subject[16] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16};

struct bytes {
    uint8_t bytes[VECTOR_SIZE_MAX];
    size_t size;
};

/* ---- vectors ---------------------------------------------------------------------------------- */

/* The file is what was just encoded. */
static void
assert_is_vector(const char *name, const struct bytes *made)
{
    static struct bytes stored;
    char path[128];
    (void)snprintf(path, sizeof path, VECTOR_FOLDER "%s.bin", name);
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    stored.size = fread(stored.bytes, 1, sizeof stored.bytes, file);
    (void)fclose(file);
    assert_int_equal(stored.size, made->size);
    assert_memory_equal(stored.bytes, made->bytes, made->size);
}

/* ---- immutable files -------------------------------------------------------------------------- */

static const struct chek_immutable immutable = {.folder_id = FOLDER_ID,
                                                .number = 31,
                                                .partition = 7,
                                                .kind = CHEK_IMMUTABLE_SEGMENT};
static const char immutable_content[] = "these bytes never change";

static void
immutable_make(struct bytes *ret)
{
    struct fake_disk *disk = fake_disk_create();
    char name[CHEK_IMMUTABLE_NAME_MAX];
    assert_int_equal(
        chek_immutable_write(&disk->io, &immutable, chek_bytes_view_text(immutable_content)),
        CHEK_OK);
    chek_immutable_name(&immutable, name);
    assert_string_equal(name, "segment/0007-000000000031");
    const struct fake_file *file = fake_disk_file(disk, name);
    memcpy(ret->bytes, file->bytes, file->size);
    ret->size = file->size;
    fake_disk_destroy(disk);
}

static void
test_immutable_file_writes_and_reads_the_vector(void **state)
{
    static struct bytes made;
    struct fake_disk *disk = fake_disk_create();
    uint8_t *bytes;
    size_t size;
    struct chek_bytes_view content;
    (void)state;
    immutable_make(&made);
    assert_is_vector("immutable", &made);
    (void)fake_disk_put(disk, "segment/0007-000000000031", made.bytes, made.size);
    assert_int_equal(chek_immutable_read(&disk->io, &immutable, &bytes, &size, &content), CHEK_OK);
    assert_true(chek_bytes_view_equal(content, chek_bytes_view_text(immutable_content)));
    chek_memory_free(bytes, size);
    fake_disk_destroy(disk);
}

/* Every bit of head and content counts: none can be flipped unseen, and none lies in padding. */
static void
test_immutable_file_finds_every_flipped_bit(void **state)
{
    static struct bytes made;
    struct fake_disk *disk = fake_disk_create();
    uint8_t *bytes;
    size_t size;
    struct chek_bytes_view content;
    (void)state;
    immutable_make(&made);
    for (size_t bit = 0; bit < made.size * 8; bit++) {
        made.bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
        (void)fake_disk_put(disk, "segment/0007-000000000031", made.bytes, made.size);
        int error = chek_immutable_read(&disk->io, &immutable, &bytes, &size, &content);
        assert_int_equal(error, CHEK_E_CORRUPT);
        made.bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    for (size_t end = 0; end < made.size; end++) {
        (void)fake_disk_put(disk, "segment/0007-000000000031", made.bytes, end);
        assert_int_equal(chek_immutable_read(&disk->io, &immutable, &bytes, &size, &content),
                         CHEK_E_CORRUPT);
    }
    fake_disk_destroy(disk);
}

/* A sound file that stands in the place of another: each field of the name is in its head. */
static void
test_immutable_file_in_another_place_is_foreign(void **state)
{
    static struct bytes made;
    struct fake_disk *disk = fake_disk_create();
    struct chek_immutable others[] = {immutable, immutable, immutable, immutable};
    (void)state;
    others[0].number = 30;
    others[1].partition = 8;
    others[2].kind = CHEK_IMMUTABLE_IMAGE;
    others[3].folder_id[1] ^= 1;
    immutable_make(&made);
    for (size_t i = 0; i < CHEK_COUNT(others); i++) {
        char name[CHEK_IMMUTABLE_NAME_MAX];
        uint8_t *bytes;
        size_t size;
        struct chek_bytes_view content;
        chek_immutable_name(&others[i], name);
        (void)fake_disk_put(disk, name, made.bytes, made.size);
        assert_int_equal(chek_immutable_read(&disk->io, &others[i], &bytes, &size, &content),
                         CHEK_E_FOREIGN);
    }
    fake_disk_destroy(disk);
}

/* ---- commands --------------------------------------------------------------------------------- */

static const struct chek_register_key key = {.kind = CHEK_KEY_KIND_REGISTRATION_NUMBER,
                                             .value = {(const uint8_t *)"600123", 6}};
static const struct chek_register profile = {
    .keys = &key,
    .keys_count = 1,
    .organisation = {(const uint8_t *)"123456789012", 12},
    .point = {(const uint8_t *)"A1", 2},
    .zone_minutes = 300,
};
static const uint8_t hash[CHEK_TOKEN_HASH_SIZE] = {0xaa, 0xbb, 0xcc};

static void
genesis_encode(struct chek_writer *out)
{
    struct chek_genesis genesis = {.partitions = 4,
                                   .map_seed = MAP_SEED,
                                   .dictionary_count_max = CHEK_DICTIONARY_COUNT_MAX,
                                   .dictionary_size_max = CHEK_DICTIONARY_SIZE_MAX};
    memcpy(genesis.folder, folder_id, sizeof genesis.folder);
    chek_genesis_encode(out, &genesis);
}

static void
register_encode(struct chek_writer *out)
{
    chek_command_register_encode(
        out, &(struct chek_command_register){.registration = 12, .profile = &profile});
}

static void
document_encode(struct chek_writer *out)
{
    struct chek_payment payment = {.sum = 11600};
    struct chek_tax tax = {.kind = CHEK_TAX_KIND_VAT, .rate = 16000, .sum = 1600};
    struct chek_line line = {.name = chek_bytes_view_text("Bread"),
                             .quantity = 1000000,
                             .price = 11600,
                             .sum = 11600,
                             .taxes = &tax,
                             .taxes_count = 1};
    struct chek_receipt receipt = {.time = 1767607200,
                                   .document = 41,
                                   .sign = 1234567890,
                                   .total = 11600,
                                   .payments = &payment,
                                   .payments_count = 1,
                                   .lines = &line,
                                   .lines_count = 1};
    memcpy(receipt.subject, subject, sizeof subject);
    chek_document_encode(out, &(struct chek_document){.registration = 12, .receipt = &receipt});
}

static void
subject_encode(struct chek_writer *out)
{
    struct chek_command_subject what = {.secret = chek_bytes_view_text("nonce and cipher text")};
    memcpy(what.subject, subject, sizeof subject);
    chek_command_subject_encode(out, &what);
}

static void
principal_encode(struct chek_writer *out)
{
    struct chek_principal principal = {
        .principal = 2, .name = chek_bytes_view_text("till"), .rights = 1u << CHEK_RIGHT_INGEST};
    chek_command_principal_encode(
        out, &(struct chek_command_principal){.principal = &principal,
                                              .hash = chek_bytes_view_of(hash, sizeof hash)});
}

static void
revoke_encode(struct chek_writer *out)
{
    chek_command_revoke_encode(out, &(struct chek_command_revoke){.principal = 2});
}

static void
claim_encode(struct chek_writer *out)
{
    chek_command_claim_encode(
        out, &(struct chek_command_claim){.registers = &profile, .registers_count = 1});
}

static void
device_encode(struct chek_writer *out)
{
    chek_command_device_encode(
        out, &(struct chek_command_device){
                 .registration = 12, .device = 201873, .mask = UINT32_C(0x89abcdef), .policy = 14});
}

static void
try_encode(struct chek_writer *out)
{
    chek_nothing_encode(out, &(struct chek_nothing){0});
}

static void
exchange_encode(struct chek_writer *out)
{
    struct chek_movement movement = {
        .time = 1767607200, .sum = 100000, .autonomous = UINT64_C(1234567890)};
    struct chek_document document = {.registration = 12, .movement = &movement};
    chek_command_exchange_encode(
        out, &(struct chek_command_exchange){.resets = 1,
                                             .count = 300,
                                             .request = 65535,
                                             .command = 6,
                                             .digest = UINT64_C(0x0123456789abcdef),
                                             .document = &document,
                                             .sign = UINT64_C(1234567890),
                                             .time = 1767607200});
}

static void
operator_encode(struct chek_writer *out)
{
    static const uint8_t bytes[32] = {0x10, 0x32, 0x54, 0x76};
    chek_command_operator_encode(
        out, &(struct chek_command_operator){.organisation = chek_bytes_view_text("123456789012"),
                                             .registration = 12,
                                             .login = chek_bytes_view_text("aliya"),
                                             .hash = chek_bytes_view_of(bytes, sizeof bytes),
                                             .code = 7,
                                             .name = chek_bytes_view_text("Aliya"),
                                             .roles = 5});
}

static void
nomenclature_encode(struct chek_writer *out)
{
    static const struct chek_nomenclature_tax tax = {
        .taxation_type = 101, .tax_type = 100, .tax_percent = 16000};
    static const struct chek_nomenclature_element elements[] = {
        {.id = 1, .kind = CHEK_NOMENCLATURE_KIND_GROUP, .title = {(const uint8_t *)"Bakery", 6}},
        {.id = 10,
         .parent = 1,
         .title = {(const uint8_t *)"Bread", 5},
         .barcode = {(const uint8_t *)"4870001", 7},
         .sell_price = 25000,
         .taxes = &tax,
         .taxes_count = 1,
         .marked = true},
    };
    chek_nomenclature_encode(
        out, &(struct chek_nomenclature){.organisation = chek_bytes_view_text("123456789012"),
                                         .created = INT64_C(1772446260),
                                         .elements = elements,
                                         .elements_count = CHEK_COUNT(elements),
                                         .point = chek_bytes_view_text("A1")});
}

static void
retain_encode(struct chek_writer *out)
{
    struct chek_retained registers[] = {{.registration = 12, .ordinal = 300},
                                        {.registration = 300, .ordinal = 1}};
    chek_command_retain_encode(
        out, &(struct chek_command_retain){
                 .border = TIME_US, .rows = 16384, .registers = registers, .registers_count = 2});
}

static void
erase_encode(struct chek_writer *out)
{
    struct chek_erasure what = {.organisation = {(const uint8_t *)"123456789012", 12},
                                .erased = TIME_US};
    for (size_t i = 0; i < sizeof what.subject; i++) {
        what.subject[i] = (uint8_t)(i + 1);
    }
    chek_erasure_encode(out, &what);
}

/* Decode a body as its kind says, and encode what came out again. */
#define BODY_AGAIN(name)                                                                          \
    static void name##_again(struct chek_bytes_view body, struct chek_arena *arena,               \
                             struct chek_writer *out)                                             \
    {                                                                                             \
        struct chek_##name what;                                                                  \
        struct chek_fault fault;                                                                  \
        assert_int_equal(chek_##name##_decode_whole(body.bytes, body.size, arena, &what, &fault), \
                         CHEK_OK);                                                                \
        chek_##name##_encode(out, &what);                                                         \
    }

BODY_AGAIN(genesis)
BODY_AGAIN(command_register)
BODY_AGAIN(document)
BODY_AGAIN(command_subject)
BODY_AGAIN(command_principal)
BODY_AGAIN(command_revoke)
BODY_AGAIN(command_claim)
BODY_AGAIN(command_device)
BODY_AGAIN(command_exchange)
BODY_AGAIN(command_operator)
BODY_AGAIN(nomenclature)
BODY_AGAIN(command_retain)
BODY_AGAIN(nothing)
BODY_AGAIN(erasure)

static const struct command_case {
    const char *name;
    struct chek_envelope envelope;
    void (*encode)(struct chek_writer *out);
    void (*again)(struct chek_bytes_view body, struct chek_arena *arena, struct chek_writer *out);
} commands[] = {
    {"command-genesis",
     {CHEK_COMMAND_GENESIS, 0, 2, 1, 0, 1, TIME_US, 0, 0, 0},
     genesis_encode,
     genesis_again},
    {"command-register",
     {CHEK_COMMAND_REGISTER, 0, 2, 1, 12, 2, TIME_US + 1, 0, UINT64_C(1) << 32, 0},
     register_encode,
     command_register_again},
    {"command-subject",
     {CHEK_COMMAND_SUBJECT, 0, 2, 1, 0, 3, TIME_US + 2, 0, UINT64_C(1) << 32, 0},
     subject_encode,
     command_subject_again},
    {"command-document",
     {CHEK_COMMAND_DOCUMENT, 0, 2, 1, 12, 4, TIME_US + 2, UINT64_C(0xfedcba9876543210),
      UINT64_C(1) << 32 | 9, 77},
     document_encode,
     document_again},
    {"command-principal",
     {CHEK_COMMAND_PRINCIPAL, 0, 0, 1, 0, 3, TIME_US + 3, 0, UINT64_C(1) << 32, 0},
     principal_encode,
     command_principal_again},
    {"command-revoke",
     {CHEK_COMMAND_REVOKE, 0, 0, 1, 0, 4, TIME_US + 4, 0, UINT64_C(1) << 32, 0},
     revoke_encode,
     command_revoke_again},
    {"command-claim",
     {CHEK_COMMAND_CLAIM, 0, 0, 1, 0, 5, TIME_US + 5, 0, UINT64_C(1) << 32, 0},
     claim_encode,
     command_claim_again},
    {"command-device",
     {CHEK_COMMAND_DEVICE, 0, 2, 1, 12, 5, TIME_US + 6, 0, 0, 0},
     device_encode,
     command_device_again},
    {"command-exchange",
     {CHEK_COMMAND_EXCHANGE, CHEK_VERDICT_CURRENT, 2, 1, 12, 6, TIME_US + 7, 0, 0, 0},
     exchange_encode,
     command_exchange_again},
    {"command-operator",
     {CHEK_COMMAND_OPERATOR, 0, 2, 1, 12, 7, TIME_US + 8, 0, 0, 0},
     operator_encode,
     command_operator_again},
    {"command-nomenclature",
     {CHEK_COMMAND_NOMENCLATURE, 0, 2, 1, 0, 8, TIME_US + 9, 0, 0, 0},
     nomenclature_encode,
     nomenclature_again},
    {"command-retain",
     {CHEK_COMMAND_RETAIN, 0, 2, 1, 0, 9, TIME_US + 10, 0, 0, 0},
     retain_encode,
     command_retain_again},
    {"command-try",
     {CHEK_COMMAND_TRY, 0, 2, 1, 12, 9, TIME_US + 10, 0, 0, 0},
     try_encode,
     nothing_again},
    {"command-erase",
     {CHEK_COMMAND_ERASE, 0, 2, 1, 0, 10, TIME_US + 11, 0, 0, 0},
     erase_encode,
     erasure_again},
};

static void
command_make(const struct command_case *from, struct bytes *ret)
{
    struct chek_writer out =
        chek_writer_over(ret->bytes + CHEK_ENVELOPE_SIZE, sizeof ret->bytes - CHEK_ENVELOPE_SIZE);
    from->encode(&out);
    assert_false(out.full);
    chek_envelope_encode(&from->envelope, out.size, ret->bytes);
    ret->size = CHEK_ENVELOPE_SIZE + out.size;
}

static void
test_command_decodes_and_encodes_the_vector(void **state)
{
    static struct bytes made, again;
    const struct command_case *from = *state;
    struct chek_command command;
    struct chek_arena arena;
    command_make(from, &made);
    assert_is_vector(from->name, &made);

    assert_int_equal(chek_command_decode(chek_bytes_view_of(made.bytes, made.size), &command),
                     CHEK_OK);
    assert_int_equal(chek_arena_init(&arena, 1 << 20), CHEK_OK);
    struct chek_writer out =
        chek_writer_over(again.bytes + CHEK_ENVELOPE_SIZE, sizeof again.bytes - CHEK_ENVELOPE_SIZE);
    from->again(command.body, &arena, &out);
    chek_envelope_encode(&command.envelope, out.size, again.bytes);
    assert_int_equal(CHEK_ENVELOPE_SIZE + out.size, made.size);
    assert_memory_equal(again.bytes, made.bytes, made.size);
    chek_arena_finish(&arena);
}

/* ---- images ----------------------------------------------------------------------------------- */

static void
image_make(struct bytes *ret)
{
    static struct bytes genesis;
    struct chek_partition_config config = {.number = 2, .page_count_max = 65536};
    struct chek_partition *partition;
    struct chek_command command;
    struct chek_outcome outcome;
    command_make(&commands[0], &genesis);
    assert_int_equal(chek_command_decode(chek_bytes_view_of(genesis.bytes, genesis.size), &command),
                     CHEK_OK);
    assert_int_equal(chek_partition_create(&config, NULL, &partition), CHEK_OK);
    assert_int_equal(chek_partition_ensure(partition, command.body.size), CHEK_OK);
    assert_int_equal(chek_partition_apply(partition, &command, &outcome), CHEK_OK);
    ret->size = chek_partition_image_size(partition);
    assert_true(ret->size <= sizeof ret->bytes);
    struct chek_writer out = chek_writer_over(ret->bytes, ret->size);
    chek_partition_image_write(partition, &out);
    assert_int_equal(out.size, ret->size);
    chek_partition_destroy(partition);
}

static void
test_partition_image_is_the_vector_and_loads(void **state)
{
    static struct bytes made, again;
    struct chek_partition_config config = {.number = 2, .page_count_max = 65536};
    struct chek_partition *partition;
    (void)state;
    image_make(&made);
    assert_is_vector("image", &made);
    assert_int_equal(chek_partition_load(&config, NULL, chek_bytes_view_of(made.bytes, made.size),
                                         NULL, 0, &partition),
                     CHEK_OK);
    assert_int_equal(chek_partition_seq(partition), 1);
    assert_int_equal(chek_partition_event_seq(partition), 0);
    struct chek_writer out = chek_writer_over(again.bytes, sizeof again.bytes);
    chek_partition_image_write(partition, &out);
    assert_int_equal(out.size, made.size);
    assert_memory_equal(again.bytes, made.bytes, made.size);
    chek_partition_destroy(partition);
}

/* ---- events ----------------------------------------------------------------------------------- */

static const struct chek_event events[] = {
    {.kind = CHEK_EVENT_KIND_SHIFT_OPENED,
     .registration = 12,
     .shift = 1,
     .time = 1767607200,
     .received = TIME_US + 2},
    {.kind = CHEK_EVENT_KIND_RECEIPT,
     .registration = 12,
     .shift = 1,
     .time = 1767607200,
     .total = 11600,
     .document = 41,
     .sign = 1234567890,
     .received = TIME_US + 2},
};

static void
events_make(struct bytes *ret)
{
    uint8_t *body = ret->bytes + EVENT_HEAD_SIZE;
    size_t size = 0;
    for (size_t i = 0; i < CHEK_COUNT(events); i++) {
        struct chek_writer out = chek_writer_over(body + size + 2, CHEK_EVENT_SIZE_MAX);
        chek_event_encode(&out, &events[i]);
        chek_store_u16(body + size, (uint16_t)out.size);
        size += 2 + out.size;
    }
    const struct persist__event_head head = {
        .partition = 2, .seq = 41, .count = CHEK_COUNT(events), .size = (uint32_t)size};
    persist__event_head_write(&head, folder_id, body, ret->bytes);
    ret->size = persist__event_block_size(head.size);
}

static void
test_event_block_decodes_and_encodes_the_vector(void **state)
{
    static struct bytes made;
    struct persist__event_head head;
    (void)state;
    events_make(&made);
    assert_is_vector("events", &made);
    assert_int_equal(persist__event_head_read(chek_bytes_view_of(made.bytes, EVENT_HEAD_SIZE),
                                              folder_id, 4, &head),
                     CHEK_OK);
    assert_int_equal(head.partition, 2);
    assert_int_equal(head.seq, 41);
    assert_int_equal(head.count, 2);
    struct chek_bytes_view body = chek_bytes_view_of(made.bytes + EVENT_HEAD_SIZE, head.size);
    assert_true(persist__event_body_fits(&head, body));
    struct chek_cursor in = chek_cursor_over(body.bytes, body.size);
    for (uint32_t i = 0; i < head.count; i++) {
        struct chek_event event;
        struct chek_fault fault;
        uint8_t again[CHEK_EVENT_SIZE_MAX];
        struct chek_bytes_view entry = chek_cursor_view(&in, chek_cursor_u16(&in));
        assert_int_equal(chek_event_decode_whole(entry.bytes, entry.size, NULL, &event, &fault),
                         CHEK_OK);
        assert_int_equal(event.kind, events[i].kind);
        struct chek_writer out = chek_writer_over(again, sizeof again);
        chek_event_encode(&out, &event);
        assert_int_equal(out.size, entry.size);
        assert_memory_equal(again, entry.bytes, entry.size);
    }
    assert_int_equal(chek_cursor_left(&in), 0);
}

/* ---- main ------------------------------------------------------------------------------------- */

static void
vector_write(const char *name, const struct bytes *made)
{
    char path[128];
    (void)snprintf(path, sizeof path, VECTOR_FOLDER "%s.bin", name);
    FILE *file = fopen(path, "wb");
    if (file == NULL || fwrite(made->bytes, 1, made->size, file) != made->size ||
        fclose(file) != 0) {
        perror(path);
        exit(1);
    }
}

static int
vectors_write(void)
{
    static struct bytes made;
    immutable_make(&made);
    vector_write("immutable", &made);
    for (size_t i = 0; i < CHEK_COUNT(commands); i++) {
        command_make(&commands[i], &made);
        vector_write(commands[i].name, &made);
    }
    memset(&made, 0, sizeof made);
    image_make(&made);
    vector_write("image", &made);
    memset(&made, 0, sizeof made);
    events_make(&made);
    vector_write("events", &made);
    return 0;
}

int
main(int count, char **arguments)
{
    struct CMUnitTest tests[5 + CHEK_COUNT(commands)] = {
        cmocka_unit_test(test_immutable_file_writes_and_reads_the_vector),
        cmocka_unit_test(test_immutable_file_finds_every_flipped_bit),
        cmocka_unit_test(test_immutable_file_in_another_place_is_foreign),
        cmocka_unit_test(test_partition_image_is_the_vector_and_loads),
        cmocka_unit_test(test_event_block_decodes_and_encodes_the_vector),
    };
    if (count > 1 && strcmp(arguments[1], "--write-vectors") == 0) {
        return vectors_write();
    }
    for (size_t i = 0; i < CHEK_COUNT(commands); i++) {
        union {
            const void *as_const;
            void *as_state;
        } row = {.as_const = &commands[i]};
        tests[5 + i] = (struct CMUnitTest){
            .name = commands[i].name,
            .test_func = test_command_decodes_and_encodes_the_vector,
            .initial_state = row.as_state,
        };
    }
    return cmocka_run_group_tests_name("persist_vectors", tests, NULL, NULL);
}
