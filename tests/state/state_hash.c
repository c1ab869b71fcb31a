/* SPDX-License-Identifier: MIT */
/*
 * state_hash.c - one history with every kind of command, and the hashes of the state it leads to.
 *
 * They are constants: equal commands give equal states, whatever compiled the engine (invariant I3).
 * Every build runs it; state_hash.py compiles it, and what of the engine is linked into it, by other
 * compilers at other levels. Exit 0 when the hashes are the ones below, else 1 after saying them.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "engine/base/assertion.h"
#include "engine/directory/directory.h"
#include "engine/partition/device.h"
#include "engine/partition/partition.h"
#include "tests/prop/partition_history.h"

#define SEED 20261128
#define COMMANDS 3000
#define PARTITION_HASH UINT64_C(0x77a8525dc5ba0778)
#define DIRECTORY_HASH UINT64_C(0x6360dc5653388eba)
#define ORGANISATION "123456789012" /* of the history's registers */

struct run {
    struct partition_history history;
    struct chek_partition *partition;
    struct chek_directory *directory;
    struct chek_arena decode, scratch;
    uint64_t event_hash; /* over what was told to the sink */
    uint8_t body[4096];
    size_t size;
};

/* ---- bodies of the kinds that the history does not make ---------------------------------------- */

#define BODY(name)                                                              \
    static void name##_body(struct run *run, const struct chek_##name *what)    \
    {                                                                           \
        struct chek_writer out = chek_writer_over(run->body, sizeof run->body); \
        chek_##name##_encode(&out, what);                                       \
        CHEK_ASSERT(!out.full);                                                 \
        run->size = out.size;                                                   \
    }

BODY(document)
BODY(command_subject)
BODY(erasure)
BODY(command_device)
BODY(command_exchange)
BODY(command_operator)
BODY(nomenclature)
BODY(command_principal)
BODY(command_revoke)
BODY(command_claim)

static void
movement_make(struct run *run, int64_t step)
{
    struct chek_movement movement = {.time = run->history.time,
                                     .sum = 100000 + step,
                                     .autonomous = UINT64_C(1234567890) + (uint64_t)step};
    document_body(run, &(struct chek_document){.registration = 2, .movement = &movement});
}

static void
subject_make(struct run *run, int64_t step)
{
    struct chek_command_subject what = {.secret = chek_bytes_view_text("nonce and cipher text")};
    memset(what.subject, 1 + (int)(step % 200), sizeof what.subject);
    command_subject_body(run, &what);
}

/* Every third subject is erased while it is there, some of them twice. */
static void
erase_make(struct run *run, int64_t step)
{
    struct chek_erasure what = {.organisation = chek_bytes_view_text(ORGANISATION),
                                .erased = step % 2 != 0 ? (uint64_t)step : 0};
    memset(what.subject, 1 + (int)(step % 200 / 3 * 3), sizeof what.subject);
    erasure_body(run, &what);
}

/* Added once, then reset, blocked and unblocked. */
static void
device_make(struct run *run, int64_t step)
{
    command_device_body(
        run, &(struct chek_command_device){.registration = 1,
                                           .change = (uint8_t)(step % CHEK_DEVICE_CHANGE_COUNT),
                                           .device = 201873,
                                           .mask = UINT32_C(0x89abcdef) + (uint32_t)step,
                                           .policy = 14});
}

/* Judged by the state that it meets. */
static void
exchange_make(struct run *run, int64_t step)
{
    struct chek_device device;
    int error = chek_partition_device(run->partition, 1, &device);
    CHEK_ASSERT(error == CHEK_OK);
    struct chek_movement movement = {.time = run->history.time,
                                     .sum = 5000 + step,
                                     .autonomous = UINT64_C(987654321) + (uint64_t)step};
    struct chek_document document = {.registration = 1, .movement = &movement};
    command_exchange_body(run, &(struct chek_command_exchange){.resets = device.token.resets,
                                                               .count = device.token.count,
                                                               .request = (uint16_t)(step + 1),
                                                               .command = 6,
                                                               .digest = (uint64_t)step * 77,
                                                               .document = &document,
                                                               .sign = (uint64_t)step + 1,
                                                               .time = movement.time,
                                                               .total = movement.sum});
}

static void
operator_make(struct run *run, int64_t step)
{
    uint8_t hash[32] = {0x10, (uint8_t)step};
    char login[8] = "aliya0";
    login[5] = (char)('0' + step % 10);
    command_operator_body(run,
                          &(struct chek_command_operator){
                              .organisation = chek_bytes_view_text(ORGANISATION),
                              .registration = (uint32_t)(step % 2),
                              .login = chek_bytes_view_text(login),
                              .hash = chek_bytes_view_of(hash, step % 5 == 4 ? 0 : sizeof hash),
                              .code = 7,
                              .name = chek_bytes_view_text("Әлия"),
                              .roles = 5});
}

static void
nomenclature_make(struct run *run, int64_t step)
{
    static const struct chek_nomenclature_tax taxes[] = {
        {.taxation_type = 101, .tax_type = 100, .tax_percent = 16000},
        {.taxation_type = 100, .tax_type = 100}};
    struct chek_nomenclature_element elements[] = {
        {.id = 1, .kind = CHEK_NOMENCLATURE_KIND_GROUP, .title = chek_bytes_view_text("Нан")},
        {.id = 10,
         .parent = 1,
         .title = chek_bytes_view_text("Bread"),
         .barcode = chek_bytes_view_text("4870001"),
         .sell_price = 25000 + step / 2, /* every other load is the one before again */
         .taxes = taxes,
         .taxes_count = CHEK_COUNT(taxes),
         .marked = true},
    };
    nomenclature_body(run, &(struct chek_nomenclature){
                               .organisation = chek_bytes_view_text(ORGANISATION),
                               .created = run->history.time,
                               .point = chek_bytes_view_text(step % 6 >= 4 ? "Абая, 1" : ""),
                               .device = step % 6 >= 4 ? 0 : (uint32_t)(step % 6 / 2),
                               .elements = elements,
                               .elements_count = step % 13 == 12 ? 0 : CHEK_COUNT(elements)});
}

/* ---- the partition ----------------------------------------------------------------------------- */

static void
on_event(void *context, uint16_t partition, uint64_t event_seq, const struct chek_event *event)
{
    struct run *run = context;
    uint64_t words[] = {run->event_hash, partition,           event_seq,
                        event->kind,     event->registration, (uint64_t)event->total};
    for (size_t i = 0; i < CHEK_COUNT(words); i++) {
        run->event_hash = run->event_hash * UINT64_C(0x9e3779b97f4a7c15) + words[i];
    }
}

static void
apply(struct run *run, const struct chek_command *command)
{
    struct chek_outcome outcome;
    int error = chek_partition_ensure(run->partition, command->body.size);
    CHEK_ASSERT(error == CHEK_OK);
    error = chek_partition_apply(run->partition, command, &outcome);
    CHEK_ASSERT(error == CHEK_OK);
}

/* What is in the body now, as the history's next command. */
static void
apply_body(struct run *run, uint8_t kind, uint32_t registration)
{
    struct partition_history *history = &run->history;
    history->seq += 1;
    struct chek_command command = {
        .envelope = {.kind = kind,
                     .partition = 3,
                     .apply_version = 1,
                     .registration = registration,
                     .partition_seq = history->seq,
                     .time_us = UINT64_C(1800000000000000) + history->seq,
                     .entropy = chek_prng_next(&history->prng)},
        .body = chek_bytes_view_of(run->body, run->size),
    };
    apply(run, &command);
}

/* Some rows become a segment of columns: no part of the state, but what later rows stand behind. */
static void
seal(struct run *run)
{
    struct chek_seal *seal = chek_store_seal_begin(chek_partition_store(run->partition));
    if (seal != NULL) {
        chek_seal_run(seal);
        chek_seal_adopt(seal);
    }
}

static uint64_t
partition_run(struct run *run)
{
    static const struct {
        void (*make)(struct run *run, int64_t step);
        uint8_t kind, registration;
    } others[] = {
        {movement_make, CHEK_COMMAND_DOCUMENT, 2},
        {subject_make, CHEK_COMMAND_SUBJECT, 0},
        {erase_make, CHEK_COMMAND_ERASE, 0},
        {device_make, CHEK_COMMAND_DEVICE, 1},
        {exchange_make, CHEK_COMMAND_EXCHANGE, 1},
        {operator_make, CHEK_COMMAND_OPERATOR, 1},
        {nomenclature_make, CHEK_COMMAND_NOMENCLATURE, 0},
    };
    struct chek_partition_config config = {
        .number = 3, .page_count_max = 65536, .segment_row_count = 256};
    struct chek_partition_sink sink = {run, on_event};

    int error = chek_partition_create(&config, &sink, &run->partition);
    CHEK_ASSERT(error == CHEK_OK);
    partition_history_begin(&run->history, SEED);
    for (int64_t i = 0; i < COMMANDS; i++) {
        struct chek_command command = partition_history_next(&run->history);
        apply(run, &command);
        if (i % 50 == 49) {
            for (size_t at = 0; at < CHEK_COUNT(others); at++) {
                others[at].make(run, i / 50);
                apply_body(run, others[at].kind, others[at].registration);
            }
        }
        if (i % 300 == 299) {
            seal(run);
        }
    }
    struct chek_device device;
    error = chek_partition_device(run->partition, 1, &device);
    CHEK_ASSERT(error == CHEK_OK && device.documents > 10); /* exchanges were counted */
    uint64_t hash = chek_partition_hash(run->partition) ^ run->event_hash;
    chek_partition_destroy(run->partition);
    return hash;
}

/* ---- the directory ----------------------------------------------------------------------------- */

static void
directory_apply(struct run *run, uint8_t kind)
{
    struct chek_command command = {.envelope = {.kind = kind},
                                   .body = chek_bytes_view_of(run->body, run->size)};
    struct chek_outcome outcome = {0};
    chek_arena_reset(&run->decode);
    chek_arena_reset(&run->scratch);
    int error = chek_directory_ensure(run->directory, run->size);
    CHEK_ASSERT(error == CHEK_OK);
    error = chek_directory_apply(run->directory, &command, &run->decode, &run->scratch, &outcome);
    CHEK_ASSERT(error == CHEK_OK);
}

static void
claim_make(struct run *run, uint32_t step)
{
    char names[2][16];
    struct chek_register_key keys[2];
    for (uint32_t i = 0; i < 2; i++) {
        (void)snprintf(names[i], sizeof names[i], "K%u", step * (1 + i) % 300);
        keys[i] =
            (struct chek_register_key){.kind = (uint8_t)i, .value = chek_bytes_view_text(names[i])};
    }
    struct chek_register what = {
        .keys = keys,
        .keys_count = 1 + step % 2,
        .organisation = chek_bytes_view_text(step % 3 != 0 ? ORGANISATION : "7825706086"),
        .point = chek_bytes_view_text(step % 7 != 0 ? "P1" : "Абая, 1")};
    command_claim_body(run, &(struct chek_command_claim){.registers = &what, .registers_count = 1});
}

static void
principal_make(struct run *run, uint32_t number)
{
    uint8_t hash[CHEK_TOKEN_HASH_SIZE] = {0xaa, (uint8_t)number};
    struct chek_bytes_view organisation = chek_bytes_view_text(ORGANISATION);
    struct chek_scope scope = {.organisations = &organisation, .organisations_count = 1};
    struct chek_principal principal = {.principal = number,
                                       .name = chek_bytes_view_text("till"),
                                       .rights = 1 + number % 7,
                                       .scope = number % 2 != 0 ? &scope : NULL};
    command_principal_body(
        run, &(struct chek_command_principal){.principal = &principal,
                                              .hash = chek_bytes_view_of(hash, sizeof hash)});
}

static uint64_t
directory_run(struct run *run)
{
    struct chek_genesis genesis = {.partitions = 4, .map_seed = 77};
    int error = chek_directory_create(65536, &run->directory);
    CHEK_ASSERT(error == CHEK_OK);
    memset(genesis.folder, 5, sizeof genesis.folder);
    chek_directory_genesis(run->directory, &genesis);
    for (uint32_t i = 0; i < 1000; i++) {
        claim_make(run, i);
        directory_apply(run, CHEK_COMMAND_CLAIM);
        if (i % 20 == 0) {
            principal_make(run, chek_directory_principal_next(run->directory));
            directory_apply(run, CHEK_COMMAND_PRINCIPAL);
        }
        if (i % 60 == 59) {
            command_revoke_body(run, &(struct chek_command_revoke){.principal = i / 60});
            directory_apply(run, CHEK_COMMAND_REVOKE);
        }
    }
    uint64_t hash = chek_directory_hash(run->directory);
    chek_directory_destroy(run->directory);
    return hash;
}

int
main(void)
{
    static struct run run;
    if (chek_arena_init(&run.decode, 1 << 20) != CHEK_OK ||
        chek_arena_init(&run.scratch, 1 << 20) != CHEK_OK) {
        return 1;
    }
    uint64_t partition = partition_run(&run);
    uint64_t directory = directory_run(&run);
    (void)printf("state 0x%016" PRIx64 " 0x%016" PRIx64 "\n", partition, directory);
    if (partition != PARTITION_HASH || directory != DIRECTORY_HASH) {
        (void)fprintf(
            stderr, "the states are not those of state_hash.c; when a state changed its format on "
                    "purpose, write these into it, and into the changelog\n");
        return 1;
    }
    return 0;
}
