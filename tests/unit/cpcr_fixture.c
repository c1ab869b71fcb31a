/* SPDX-License-Identifier: MIT */
#include "tests/unit/cpcr_fixture.h"

#include <stdio.h>

#include "engine/base/memory.h"

#define FRAME_SIZE 512
#define ARENA_SIZE ((size_t)32 * 1024 * 1024)

struct chek_partition *partition;
uint64_t cpcr_wall_us;
struct chek_arena arena;
const struct chek_subject_key key = {.hash = {1, 2, 3}, .secret = {4, 5, 6}};
static const struct chek_partition_config config = {.number = 1, .page_count_max = 65536};

struct chek_outcome
cpcr_apply(uint8_t kind, const struct chek_writer *body, int want)
{
    struct chek_outcome outcome = {0};
    assert_false(body->full);
    struct chek_command command = {
        .envelope = {.kind = kind,
                     .partition = 1,
                     .apply_version = CHEK_APPLY_VERSION,
                     .partition_seq = chek_partition_seq(partition) + 1,
                     .time_us = CPCR_TIME_US + chek_partition_seq(partition)},
        .body = chek_bytes_view_of(body->bytes, body->size),
    };
    assert_error(chek_partition_ensure(partition, body->size), CHEK_OK);
    assert_error(chek_partition_apply(partition, &command, &outcome), want);
    return outcome;
}

static void
device_make(uint32_t registration)
{
    struct chek_outcome outcome;
    char text[12];
    int size = snprintf(text, sizeof text, "%u", registration);
    struct chek_register_key name = {.kind = CHEK_KEY_KIND_DEVICE,
                                     .value = chek_bytes_view_of(text, (size_t)size)};
    struct chek_register profile = {
        .keys = &name, .keys_count = 1, .organisation = chek_bytes_view_text(ORGANISATION)};
    APPLY(CHEK_COMMAND_REGISTER, command_register,
          (&(struct chek_command_register){.registration = registration, .profile = &profile}),
          CHEK_OK);
    APPLY(CHEK_COMMAND_DEVICE, command_device,
          (&(struct chek_command_device){.registration = registration, .device = registration}),
          CHEK_OK);
    assert_error(outcome.error, CHEK_OK);
}

int
cpcr_setup(void **state)
{
    struct chek_outcome outcome;
    (void)state;
    cpcr_wall_us = CPCR_TIME_US;
    assert_error(chek_arena_init(&arena, ARENA_SIZE), CHEK_OK);
    assert_error(chek_partition_create(&config, NULL, &partition), CHEK_OK);
    APPLY(CHEK_COMMAND_GENESIS, genesis,
          (&(struct chek_genesis){.partitions = 1, .map_seed = 5, .folder = {1}}), CHEK_OK);
    device_make(REGISTRATION);
    device_make(OTHER);
    return outcome.error;
}

int
cpcr_teardown(void **state)
{
    (void)state;
    chek_partition_destroy(partition);
    chek_arena_finish(&arena);
    return 0;
}

void
cpcr_reload(void)
{
    size_t capacity = chek_partition_image_size(partition);
    uint8_t *image = chek_memory_allocate(capacity);
    assert_non_null(image);
    struct chek_writer out = chek_writer_over(image, capacity);
    chek_partition_image_write(partition, &out);
    assert_false(out.full);
    uint64_t hash = chek_partition_hash(partition);
    chek_partition_destroy(partition);
    partition = NULL;
    assert_error(chek_partition_load(&config, NULL, chek_bytes_view_of(image, out.size), NULL, 0,
                                     &partition),
                 CHEK_OK);
    chek_memory_free(image, capacity);
    assert_int_equal(chek_partition_hash(partition), hash);
    assert_true(chek_partition_is_valid(partition));
}

static struct chek_bytes_view
request_make(uint32_t registration, uint8_t command, uint8_t field, const struct chek_writer *part,
             uint32_t token_more, uint8_t frame[FRAME_SIZE])
{
    struct chek_device device;
    struct chek_writer out =
        chek_writer_over(frame + CHEK_CPCR_HEAD_SIZE, FRAME_SIZE - CHEK_CPCR_HEAD_SIZE);
    chek_writer_u8(&out, 1 << 3);
    chek_writer_u8(&out, command);
    if (part != NULL) {
        assert_true(part->size < 128);
        chek_writer_u8(&out, (uint8_t)(field << 3 | 2));
        chek_writer_u8(&out, (uint8_t)part->size);
        chek_writer_bytes(&out, part->bytes, part->size);
    }
    assert_false(out.full);
    assert_error(chek_partition_device(partition, registration, &device), CHEK_OK);
    struct chek_cpcr_head head = {.version = 203,
                                  .size = (uint32_t)(CHEK_CPCR_HEAD_SIZE + out.size),
                                  .device = registration,
                                  .token = chek_cpcr_token(&key, &device.token) + token_more,
                                  .request = 9};
    chek_cpcr_head_write(&head, frame);
    return chek_bytes_view_of(frame, head.size);
}

static uint64_t
wall_us(struct chek_io *io)
{
    (void)io;
    return cpcr_wall_us;
}

static const struct chek_io_table table = {.wall_us = wall_us};
static struct chek_io io = {.table = &table};

/* What a request made is applied, as a server does that logged it. */
static void
exchange_apply(uint32_t registration, const struct chek_cpcr_exchange *exchange)
{
    struct chek_outcome outcome;
    struct chek_command command = {.envelope = {.kind = exchange->kind,
                                                .verdict = exchange->verdict,
                                                .registration = registration,
                                                .partition = config.number,
                                                .apply_version = CHEK_APPLY_VERSION,
                                                .partition_seq = chek_partition_seq(partition) + 1,
                                                .time_us = cpcr_wall_us},
                                   .body = exchange->body};
    assert_error(chek_partition_ensure(partition, command.body.size), CHEK_OK);
    assert_error(chek_partition_apply(partition, &command, &outcome), CHEK_OK);
    assert_error(outcome.error, CHEK_OK);
}

Ingest__Response *
cpcr_ask(uint32_t registration, uint8_t command, uint8_t field, const struct chek_writer *part,
         uint32_t token_more)
{
    uint8_t frame[FRAME_SIZE];
    static uint8_t answer[CHEK_CPCR_ANSWER_SIZE_MAX];
    struct chek_cpcr_ground ground = {.partition = partition,
                                      .key = &key,
                                      .io = &io,
                                      .qr_url = "",
                                      .arena = &arena,
                                      .registration = registration};
    struct chek_cpcr_exchange exchange;
    struct chek_writer out = chek_writer_over(answer, sizeof answer);
    chek_arena_reset(&arena);
    if (chek_cpcr_take(&ground, request_make(registration, command, field, part, token_more, frame),
                       &exchange)) {
        exchange_apply(registration, &exchange);
    }
    chek_arena_reset(&arena);
    chek_cpcr_answer(&ground, &exchange, &out);
    Ingest__Response *response = ingest__response__unpack(NULL, out.size - CHEK_CPCR_HEAD_SIZE,
                                                          answer + CHEK_CPCR_HEAD_SIZE);
    struct chek_cpcr_head head;
    assert_non_null(response);
    assert_error(chek_cpcr_head_read(chek_bytes_view_of(answer, out.size), &head), CHEK_OK);
    assert_int_equal(response->command, command);
    return response;
}
