/* SPDX-License-Identifier: MIT */
/*
 * bench_core.c - what the core does to a receipt between the socket and the answer, one thread.
 *
 *   judge   decode and check, as when a frame comes in
 *   apply   prefetch and apply in batches as the log hands them over, over a shard's partitions;
 *           sealing is done, not measured
 *   seal    of what apply appended, a receipt
 *
 * Documents are the reference workload's profile A, made before and used in order; 32 partitions
 * with a thousand registers of a hundred organisations are the share of one of two shards.
 */
#include <stdlib.h>
#include <string.h>

#include "bench/harness.h"
#include "engine/base/assertion.h"
#include "engine/base/memory.h"
#include "engine/base/writer.h"
#include "engine/fiscal/check.h"
#include "engine/partition/partition.h"
#include "tools/load/workload.h"

#define PARTITION_COUNT 32
#define REGISTER_COUNT 1000
#define REGISTERS_AN_ORGANISATION 10
#define DOCUMENT_COUNT 400000 /* made at a time; a stream that goes on when it ends */
#define BYTES_SIZE ((size_t)DOCUMENT_COUNT * 200)
#define BATCH_COUNT 32
#define WARM_COUNT 4000000
#define ARENA_SIZE ((size_t)16 << 20)

struct made {
    const uint8_t *bytes;
    uint32_t size, registration;
};

static struct {
    struct chek_workload *workload;
    struct made *made;
    uint8_t *bytes;
    uint32_t next;
    struct chek_partition *partitions[PARTITION_COUNT + 1];
    uint64_t seq_next[PARTITION_COUNT + 1];
    struct chek_arena arena;
    uint64_t event_count;
} bench;

static void
documents_make(void)
{
    size_t used = 0;
    struct chek_workload_document what;
    for (uint32_t i = 0; i < DOCUMENT_COUNT; i++) {
        CHEK_ASSERT(BYTES_SIZE - used >= CHEK_WORKLOAD_DOCUMENT_SIZE_MAX);
        bool more = chek_workload_next(bench.workload, bench.bytes + used, &what);
        CHEK_ASSERT(more);
        bench.made[i] = (struct made){bench.bytes + used, what.size, what.register_index + 1};
        used += what.size;
    }
    bench.next = 0;
}

static void
bench_begin(void)
{
    struct chek_workload_options options = {.seed = 1,
                                            .receipt_count = 90 * 1000 * 1000,
                                            .register_count = REGISTER_COUNT,
                                            .day_count = 2700};
    if (bench.made == NULL) {
        bench.made = malloc(DOCUMENT_COUNT * sizeof *bench.made);
        bench.bytes = malloc(BYTES_SIZE);
        int error = chek_arena_init(&bench.arena, ARENA_SIZE);
        CHEK_ASSERT(bench.made != NULL && bench.bytes != NULL && error == CHEK_OK);
    }
    int error = chek_workload_create(&options, &bench.workload);
    CHEK_ASSERT(error == CHEK_OK);
    documents_make();
}

static void
bench_end(void)
{
    chek_workload_destroy(bench.workload);
}

/* ---- judge ------------------------------------------------------------------------------------ */

static void
run_judge(struct chek_bench_state *state)
{
    bench_begin();
    while (chek_bench_next(state)) {
        for (uint32_t i = 0; i < BATCH_COUNT; i++, bench.next++) {
            struct chek_document document;
            struct chek_fault fault;
            uint32_t warnings;
            bench.next = bench.next < DOCUMENT_COUNT ? bench.next : 0;
            const struct made *made = &bench.made[bench.next];
            chek_arena_reset(&bench.arena);
            int error = chek_document_decode_whole(made->bytes, made->size, &bench.arena, &document,
                                                   &fault);
            CHEK_ASSERT(error == CHEK_OK);
            error = chek_document_check(&document, &warnings, &fault);
            CHEK_ASSERT(error == CHEK_OK);
            chek_bench_keep(warnings);
        }
    }
    chek_bench_set_items(state, BATCH_COUNT);
    bench_end();
}

/* ---- apply ------------------------------------------------------------------------------------ */

static void
on_event(void *context, uint16_t partition, uint64_t seq, const struct chek_event *event)
{
    (void)context;
    (void)partition;
    (void)event;
    bench.event_count += seq != 0;
}

static struct chek_partition *
home_of(uint32_t registration)
{
    uint32_t organisation = (registration - 1) / REGISTERS_AN_ORGANISATION;
    return bench.partitions[1 + organisation % PARTITION_COUNT];
}

static void
command_apply(struct chek_partition *partition, uint8_t kind, uint32_t registration,
              struct chek_bytes_view body)
{
    struct chek_command command = {
        .envelope = {.kind = kind,
                     .partition = chek_partition_number(partition),
                     .apply_version = CHEK_APPLY_VERSION,
                     .registration = registration,
                     .partition_seq = chek_partition_seq(partition) + 1,
                     .time_us = 1},
        .body = body,
    };
    struct chek_outcome outcome;
    int error = chek_partition_ensure(partition, body.size);
    CHEK_ASSERT(error == CHEK_OK);
    error = chek_partition_apply(partition, &command, &outcome);
    CHEK_ASSERT(error == CHEK_OK);
}

static void
partitions_begin(void)
{
    static const struct chek_partition_sink sink = {NULL, on_event};
    struct chek_genesis genesis = {.partitions = PARTITION_COUNT,
                                   .map_seed = 1,
                                   .dictionary_count_max = CHEK_DICTIONARY_COUNT_MAX,
                                   .dictionary_size_max = CHEK_DICTIONARY_SIZE_MAX};
    uint8_t bytes[4096];
    struct chek_store_pool *pool;
    int made = chek_store_pool_create(&pool);
    CHEK_ASSERT(made == CHEK_OK);
    for (uint32_t i = 1; i <= PARTITION_COUNT; i++) {
        struct chek_partition_config config = {
            .number = (uint16_t)i, .page_count_max = 65536, .pool = pool};
        int error = chek_partition_create(&config, &sink, &bench.partitions[i]);
        CHEK_ASSERT(error == CHEK_OK);
        struct chek_writer out = chek_writer_over(bytes, sizeof bytes);
        chek_genesis_encode(&out, &genesis);
        command_apply(bench.partitions[i], CHEK_COMMAND_GENESIS, 0,
                      chek_bytes_view_of(bytes, out.size));
    }
    for (uint32_t i = 0; i < REGISTER_COUNT; i++) {
        struct chek_workload_register_text text;
        struct chek_register what;
        chek_workload_register(bench.workload, i, &text, &what);
        struct chek_command_register body = {.registration = i + 1, .profile = &what};
        struct chek_writer out = chek_writer_over(bytes, sizeof bytes);
        chek_command_register_encode(&out, &body);
        command_apply(home_of(i + 1), CHEK_COMMAND_REGISTER, i + 1,
                      chek_bytes_view_of(bytes, out.size));
    }
}

static void
target_fill(struct chek_partition_target *target)
{
    const struct made *made = &bench.made[bench.next++];
    target->partition = home_of(made->registration);
    uint16_t number = chek_partition_number(target->partition);
    target->command = (struct chek_command){
        .envelope = {.kind = CHEK_COMMAND_DOCUMENT,
                     .partition = number,
                     .apply_version = CHEK_APPLY_VERSION,
                     .registration = made->registration,
                     .partition_seq = ++bench.seq_next[number],
                     .time_us = 1},
        .body = chek_bytes_view_of(made->bytes, made->size),
    };
    int error = chek_partition_ensure(target->partition, made->size);
    CHEK_ASSERT(error == CHEK_OK);
}

static void
batch_apply(void)
{
    struct chek_partition_target targets[BATCH_COUNT];
    for (uint32_t i = 0; i < BATCH_COUNT; i++) {
        target_fill(&targets[i]);
    }
    chek_arena_reset(&bench.arena);
    chek_partition_prefetch(targets, BATCH_COUNT, &bench.arena);
    for (uint32_t i = 0; i < BATCH_COUNT; i++) {
        struct chek_outcome outcome;
        int error = chek_partition_apply(targets[i].partition, &targets[i].command, &outcome);
        CHEK_ASSERT(error == CHEK_OK && outcome.result.status == CHEK_STATUS_STORED);
    }
}

/* Seal what is full; returns how many rows that was. */
static uint64_t
partitions_seal(void)
{
    uint64_t count = 0;
    for (uint32_t i = 1; i <= PARTITION_COUNT; i++) {
        struct chek_store *store = chek_partition_store(bench.partitions[i]);
        struct chek_seal *seal = chek_store_seal_begin(store);
        if (seal != NULL) {
            chek_seal_run(seal);
            chek_seal_adopt(seal);
            count += CHEK_SEGMENT_RECEIPT_COUNT;
        }
    }
    return count;
}

static void
stream_go_on(void)
{
    if (bench.next + BATCH_COUNT > DOCUMENT_COUNT) {
        documents_make();
        (void)partitions_seal();
    }
}

/*
 * Partitions in which most products are known already, as in a server that has run for a day. They
 * are made once and go on through all runs.
 */
static void
partitions_warm(void)
{
    if (bench.partitions[1] != NULL) {
        return;
    }
    bench_begin();
    partitions_begin();
    for (uint32_t i = 1; i <= PARTITION_COUNT; i++) {
        bench.seq_next[i] = chek_partition_seq(bench.partitions[i]);
    }
    for (uint32_t i = 0; i < WARM_COUNT / BATCH_COUNT; i++) {
        stream_go_on();
        batch_apply();
    }
}

static void
run_apply(struct chek_bench_state *state)
{
    partitions_warm();
    while (chek_bench_next(state)) {
        if (bench.next + BATCH_COUNT > DOCUMENT_COUNT) {
            chek_bench_pause(state);
            stream_go_on();
            chek_bench_resume(state);
        }
        batch_apply();
    }
    chek_bench_set_items(state, BATCH_COUNT);
}

static void
run_seal(struct chek_bench_state *state)
{
    uint64_t count = 0;
    uint64_t turn_count = 0;
    partitions_warm();
    while (chek_bench_next(state)) {
        chek_bench_pause(state);
        for (uint32_t i = 0; i < PARTITION_COUNT * CHEK_SEGMENT_RECEIPT_COUNT / BATCH_COUNT; i++) {
            if (bench.next + BATCH_COUNT > DOCUMENT_COUNT) {
                documents_make();
            }
            batch_apply();
        }
        chek_bench_resume(state);
        count += partitions_seal();
        turn_count += 1;
    }
    chek_bench_set_items(state, turn_count != 0 ? count / turn_count : 0);
}

void
chek_bench_cases(void)
{
    chek_bench_add("judge", run_judge);
    chek_bench_add("apply", run_apply);
    chek_bench_add("seal", run_seal);
}
