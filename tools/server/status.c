/* SPDX-License-Identifier: MIT */
/*
 * status.c - what a server says of itself: rows of (name, shard, value).
 *
 * Each shard encodes its own rows into its slot of a gather; the asker puts the slots together.
 * The same rows, in the text of a metrics scraper, are what --metrics serves. In the same way each
 * shard tells the chains of its partitions.
 */
#include <string.h>

#include "engine/base/assertion.h"
#include "engine/base/memory.h"
#include "engine/base/workspace.h"
#include "engine/io/io.h"
#include "tools/server/ffd.h"
#include "tools/server/kkm.h"
#include "tools/server/retain.h"
#include "tools/server/shard.h"

#define SLOT_SIZE (64 * 1024)
#define ITEM_COUNT_MAX 192

struct rows {
    struct chek_status_item items[ITEM_COUNT_MAX];
    uint32_t count;
    uint32_t shard; /* + 1 */
};

static void
row(struct rows *rows, const char *name, uint64_t value)
{
    CHEK_ASSERT(rows->count < ITEM_COUNT_MAX);
    rows->items[rows->count++] = (struct chek_status_item){
        .name = chek_bytes_view_text(name), .shard = rows->shard, .value = (int64_t)value};
}

static void
row_text(struct rows *rows, const char *name, const char *text)
{
    row(rows, name, 0);
    rows->items[rows->count - 1].text = chek_bytes_view_text(text);
}

/* ---- rates ------------------------------------------------------------------------------------ */

#define PACE_NS UINT64_C(10000000000)

static struct server__pace
pace_now(struct server__shard *shard, uint64_t now_ns)
{
    struct chek_session_counters session = chek_session_count(shard->sessions);
    return (struct server__pace){.at_ns = now_ns,
                                 .stored_count = chek_feed_count(shard->feeds).stored_count,
                                 .request_count = session.request_count,
                                 .received_size = session.received_size};
}

void
server__pace_turn(struct server__shard *shard, uint64_t now_ns)
{
    if (now_ns - shard->paces[1].at_ns >= PACE_NS) {
        shard->paces[0] = shard->paces[1];
        shard->paces[1] = pace_now(shard, now_ns);
    }
}

static uint64_t
a_second(uint64_t count, uint64_t time_ns)
{
    return (uint64_t)((chek_u128)count * 1000000000u / time_ns);
}

/* Since the moment before the last one: over ten seconds or more, but for the first ones. */
static void
rows_of_rates(struct server__shard *shard, struct rows *rows)
{
    struct server__pace now = pace_now(shard, chek_io_now_ns(shard->io));
    struct server__pace from = shard->paces[0].at_ns != 0 ? shard->paces[0] : shard->paces[1];
    uint64_t time_ns = now.at_ns > from.at_ns ? now.at_ns - from.at_ns : 1;
    row(rows, "stored_per_s", a_second(now.stored_count - from.stored_count, time_ns));
    row(rows, "requests_per_s", a_second(now.request_count - from.request_count, time_ns));
    row(rows, "received_bytes_per_s", a_second(now.received_size - from.received_size, time_ns));
}

/* ---- rows ------------------------------------------------------------------------------------- */

static void
rows_of_partitions(struct server__shard *shard, struct rows *rows)
{
    struct chek_store_counters sum = {0};
    uint64_t heap_size = 0;
    uint64_t partition_count = 0;
    uint64_t registration_count = 0;
    uint64_t subject_count = 0;
    uint64_t erasure_count = 0;
    uint64_t chained_count = 0;
    uint64_t removed_count = 0;
    uint64_t border_us = 0;

    for (unsigned i = 1; i <= chek_server_partition_count(shard->server); i++) {
        if (shard->grounds[i] == NULL) {
            continue;
        }
        const struct chek_partition *partition = shard->grounds[i]->partition;
        struct chek_store_counters store =
            chek_store_count(chek_partition_store(shard->grounds[i]->partition));
        sum.row_count += store.row_count;
        sum.line_count += store.line_count;
        sum.segment_count += store.segment_count;
        sum.merged_count += store.merged_count;
        sum.kept_count += store.kept_count;
        struct chek_retention retention = chek_partition_retention(partition);
        removed_count += retention.row_count;
        border_us = retention.border_us > border_us ? retention.border_us : border_us;
        sum.open_row_count += store.open_row_count;
        sum.segment_size += store.segment_size;
        sum.hour_size += store.hour_size;
        sum.open_size += store.open_size;
        sum.dictionary_size += store.dictionary_size;
        heap_size += chek_partition_heap_size(partition);
        registration_count += chek_partition_registration_count(partition);
        subject_count += chek_partition_subject_count(partition);
        erasure_count += chek_partition_erasure_count(partition);
        chained_count += chek_partition_chain_reach(partition).rows;
        partition_count += 1;
    }
    row(rows, "partitions", partition_count);
    row(rows, "registrations", registration_count);
    row(rows, "documents", sum.row_count);
    row(rows, "lines", sum.line_count);
    row(rows, "documents_open", sum.open_row_count);
    row(rows, "documents_chained", chained_count);
    row(rows, "segments", sum.segment_count);
    row(rows, "segments_merged", sum.merged_count);
    row(rows, "segments_kept", sum.kept_count);
    row(rows, "rows_removed", removed_count);
    row(rows, "retention_border_us", border_us);
    row(rows, "persons", subject_count);
    row(rows, "erasures", erasure_count);
    struct server__erased erased = server__erasures_open(shard);
    row(rows, "erasures_incomplete", erased.count);
    row(rows, "erasures_incomplete_since_us", erased.first_us);
    struct server__retained retained = server__retain_count(shard);
    row(rows, "retention_proved", retained.proved_count);
    row(rows, "retention_stopped", retained.stopped_count);
    row(rows, "segment_bytes", sum.segment_size);
    struct chek_residency residency = chek_store_pool_residency(shard->pool);
    row(rows, "segment_resident_bytes", residency.resident_size);
    row(rows, "segment_cold_bytes", residency.cold_size);
    row(rows, "page_cache_bytes", residency.budget);
    row(rows, "cold_reads", residency.read_count);
    row(rows, "cold_read_bytes", residency.read_size);
    row(rows, "cold_leaves", residency.left_count);
    row(rows, "cold_visits", shard->counters.visit_cold_count);
    row(rows, "cold_documents", shard->counters.item_cold_count);
    row(rows, "cold_requests", shard->counters.job_cold_count);
    row(rows, "damaged_groups", residency.rotten_count);
    row(rows, "scrub_bytes", shard->counters.scrub_size);
    row(rows, "scrub_passes", shard->counters.scrub_pass_count);
    row(rows, "hour_table_bytes", sum.hour_size);
    row(rows, "open_bytes", sum.open_size);
    row(rows, "dictionary_bytes", sum.dictionary_size);
    row(rows, "heap_bytes", heap_size);
    uint64_t sealed_count = sum.row_count - sum.open_row_count;
    uint64_t memory_size =
        residency.resident_size + sum.open_size + sum.dictionary_size + heap_size;
    row(rows, "segment_bytes_a_document", sealed_count != 0 ? sum.segment_size / sealed_count : 0);
    row(rows, "memory_bytes_a_document", sum.row_count != 0 ? memory_size / sum.row_count : 0);
    row(rows, "seals_running", shard->seal_count);
    row(rows, "merges", shard->merge_count);
    row(rows, "merges_running", shard->is_merging);
}

static void
rows_of_log(struct server__shard *shard, struct rows *rows)
{
    struct chek_log_counters log = chek_log_count(shard->log);
    row_text(rows, "sync_method",
             log.method == CHEK_SYNC_DATA_SYNC ? "O_DSYNC writes" : "write, then fdatasync");
    row(rows, "log_durable_lsn", log.durable_lsn);
    row(rows, "log_commands", log.command_count);
    row(rows, "log_bytes", log.command_size);
    row(rows, "log_groups", log.group_count);
    row(rows, "log_blocks", log.block_count);
    row(rows, "log_files", log.file_count);
    row(rows, "log_syncs", log.sync_count);
    row(rows, "log_group_ns_max", log.groups.max_ns);
    row(rows, "log_group_ns_sum", log.groups.sum_ns);
    row(rows, "log_group_p50_us", chek_waits_ns(&log.groups, 500) / 1000);
    row(rows, "log_group_p99_us", chek_waits_ns(&log.groups, 990) / 1000);
    row(rows, "log_latched", server__is_latched(shard->server));
}

static void
rows_of_ffd(struct server__shard *shard, struct rows *rows)
{
    struct server__ffd_counters ffd = server__ffd_count(shard->ffd);
    row(rows, "ffd_connections", ffd.connection_count);
    row(rows, "ffd_connections_open", ffd.connection_open_count);
    row(rows, "ffd_messages", ffd.message_count);
    row(rows, "ffd_pings", ffd.ping_count);
    row(rows, "ffd_stored", ffd.stored_count);
    row(rows, "ffd_duplicates", ffd.duplicate_count);
    row(rows, "ffd_registrations", ffd.registration_count);
    row(rows, "ffd_passed", ffd.passed_count);
    row(rows, "ffd_refusals", ffd.refusal_count);
    row(rows, "ffd_encrypted", ffd.encrypted_count);
    row(rows, "ffd_unanswered", ffd.unanswered_count);
    row(rows, "ffd_waits", ffd.wait_count);
    row(rows, "ffd_frame_errors", ffd.frame_error_count);
    row(rows, "ffd_timeouts", ffd.timeout_count);
}

static void
rows_of_sessions(struct server__shard *shard, struct rows *rows)
{
    struct chek_session_counters session = chek_session_count(shard->sessions);
    struct chek_feed_counters feed = chek_feed_count(shard->feeds);
    row(rows, "connections", session.connection_count);
    row(rows, "connections_open", session.connection_open_count);
    row(rows, "requests", session.request_count);
    row(rows, "refusals", session.refusal_count);
    row(rows, "busy", session.busy_count + feed.busy_count);
    row(rows, "authentication_failures", session.authentication_failure_count);
    row(rows, "alarms", session.alarm_count);
    row(rows, "frame_errors", session.frame_error_count);
    row(rows, "timeouts", session.timeout_count);
    row(rows, "received_bytes", session.received_size);
    row(rows, "sent_bytes", session.sent_size);
    row(rows, "sends", session.send_count);
    row(rows, "feed_frames", feed.frame_count);
    row(rows, "feed_documents", feed.document_count);
    row(rows, "stored", feed.stored_count);
    row(rows, "duplicates", feed.duplicate_count);
    row(rows, "conflicts", feed.conflict_count);
    row(rows, "refused", feed.refused_count);
    row(rows, "completed", feed.completed_count);
    row(rows, "noted", feed.noted_count);
    const struct chek_waits *reports = chek_query_report_waits(shard->queries);
    row(rows, "report_p50_us", chek_waits_ns(reports, 500) / 1000);
    row(rows, "report_p99_us", chek_waits_ns(reports, 990) / 1000);
    row(rows, "report_run_p99_us", chek_waits_ns(&shard->counters.report_runs, 990) / 1000);
    row(rows, "repeats_not_logged", shard->counters.repeat_count);
    struct server__cpcr_counters cpcr = server__cpcr_count(shard->cpcr);
    row(rows, "cpcr_connections", cpcr.connection_count);
    row(rows, "cpcr_connections_open", cpcr.connection_open_count);
    row(rows, "cpcr_requests", cpcr.request_count);
    row(rows, "cpcr_refusals", cpcr.refusal_count);
    row(rows, "cpcr_frame_errors", cpcr.frame_error_count);
    row(rows, "cpcr_timeouts", cpcr.timeout_count);
    row(rows, "cpcr_logins_wrong", shard->counters.login_wrong_count);
    row(rows, "cpcr_logins_limited", shard->counters.login_limited_count);
    rows_of_ffd(shard, rows);
    row(rows, "io_operations", shard->io->op_count);
    row(rows, "io_messages", shard->io->post_count);
}

/* Steps are what step.h says: nothing else runs on the shard while one does. */
static void
rows_of_steps(struct server__shard *shard, struct rows *rows)
{
    static const char *const names[STEP_COUNT] = {
#define STEP_NAME(NAME, name) "longest_" #name "_step_us",
        SERVER_STEPS(STEP_NAME)
#undef STEP_NAME
    };
    const struct server__steps *steps = &shard->steps;
    row(rows, "longest_step_us", steps->longest_ns / 1000);
    row(rows, "steps_over_100_us", steps->long_count);
    for (uint32_t i = 0; i < STEP_COUNT; i++) {
        row(rows, names[i], steps->longest_part_ns[i] / 1000);
    }
}

static void
rows_of_server(struct server__shard *shard, struct rows *rows)
{
    struct chek_memory_counters memory = chek_memory_count();
    struct chek_workspace_counters workspace = chek_workspace_count();
    uint32_t number = rows->shard;
    rows->shard = 0;
    row_text(rows, "version", CHEK_SERVER_VERSION);
    row(rows, "shards", server__shard_count(shard->server));
    row(rows, "heap_allocations", memory.allocation_count);
    row(rows, "heap_allocations_late", memory.late_count);
    row(rows, "heap_in_use_bytes", memory.heap_size);
    row(rows, "workspace_requests", workspace.take_count);
    row(rows, "workspace_in_use_bytes", workspace.size);
    row(rows, "memory_committed_bytes", memory.committed_size);
    row(rows, "principals", chek_directory_principal_count(server__directory(shard)));
    row(rows, "snapshots", server__snapshot_count(shard->server));
    rows->shard = number;
}

void
server__status_run(struct server__shard *shard, struct server__gather *gather, unsigned index)
{
    struct rows rows = {.shard = index + 1};
    if (index == 0) {
        rows_of_server(shard, &rows);
    }
    rows_of_partitions(shard, &rows);
    rows_of_log(shard, &rows);
    rows_of_sessions(shard, &rows);
    rows_of_rates(shard, &rows);
    rows_of_steps(shard, &rows);

    struct chek_status_items slot = {.items = rows.items, .items_count = rows.count};
    struct chek_writer out =
        chek_writer_over(gather->answer + (size_t)index * SLOT_SIZE, SLOT_SIZE);
    chek_status_items_encode(&out, &slot);
    CHEK_ASSERT(!out.full);
    gather->values[index] = out.size;
}

/* All slots as one record; in the arena. */
struct chek_status_items
server__status_join(struct server__shard *shard, struct server__gather *gather)
{
    struct chek_status_items all = {0};
    struct chek_status_item *items;
    unsigned shard_count = server__shard_count(shard->server);

    chek_arena_reset(&shard->arena);
    items = chek_arena_take(&shard->arena, shard_count * ITEM_COUNT_MAX * sizeof *items);
    CHEK_ASSERT(items != NULL);
    for (unsigned i = 0; i < shard_count; i++) {
        struct chek_status_items slot;
        struct chek_fault fault;
        int error = chek_status_items_decode_whole(gather->answer + (size_t)i * SLOT_SIZE,
                                                   gather->values[i], &shard->arena, &slot, &fault);
        CHEK_ASSERT(error == CHEK_OK);
        memcpy(items + all.items_count, slot.items, slot.items_count * sizeof *items);
        all.items_count += slot.items_count;
    }
    all.items = items;
    return all;
}

static void
status_done(struct server__shard *shard, struct server__gather *gather)
{
    struct chek_request *request = gather->request;
    if (request != NULL) {
        struct chek_status_items all = server__status_join(shard, gather);
        struct chek_writer out = chek_request_answer_begin(request, all.items_count * 96 + 64);
        if (out.full) {
            chek_request_refuse(request, CHEK_E_BUSY, NULL, NULL);
        } else {
            chek_status_items_encode(&out, &all);
            CHEK_ASSERT(!out.full);
            chek_request_answer_end(request, &out, true);
        }
    }
    server__gather_give(shard, gather);
}

/* ---- chains ----------------------------------------------------------------------------------- */

/* How far the chain of one partition reaches, as a shard writes it into its slot. */
struct reach {
    uint64_t ranges, rows, open;
    uint8_t head[CHEK_CHAIN_SIZE];
    uint16_t partition;
};

_Static_assert(sizeof(struct reach) * CHEK_PARTITION_COUNT_MAX <= SLOT_SIZE, "one shard has all");

static void
reaches_run(struct server__shard *shard, struct server__gather *gather, unsigned index)
{
    struct reach *slot = (void *)(gather->answer + (size_t)index * SLOT_SIZE);
    uint32_t count = 0;
    for (unsigned i = 1; i <= chek_server_partition_count(shard->server); i++) {
        if (shard->grounds[i] == NULL) {
            continue;
        }
        struct chek_chain_reach reach = chek_partition_chain_reach(shard->grounds[i]->partition);
        if (reach.rows + reach.open == 0) {
            continue;
        }
        slot[count] = (struct reach){.ranges = reach.ranges,
                                     .rows = reach.rows,
                                     .open = reach.open,
                                     .partition = reach.partition};
        if (reach.head.size != 0) {
            memcpy(slot[count].head, reach.head.bytes, sizeof slot[count].head);
        }
        count += 1;
    }
    gather->values[index] = count;
}

/* All slots as one record, by partition; in the arena, heads in the slots. */
static struct chek_chain_reaches
reaches_join(struct server__shard *shard, struct server__gather *gather)
{
    unsigned partition_count = chek_server_partition_count(shard->server);
    struct chek_chain_reach *all;
    uint32_t count = 0;
    chek_arena_reset(&shard->arena);
    all = chek_arena_take(&shard->arena, (partition_count + 1u) * sizeof *all);
    CHEK_ASSERT(all != NULL);
    memset(all, 0, (partition_count + 1u) * sizeof *all);
    for (unsigned i = 0; i < server__shard_count(shard->server); i++) {
        const struct reach *slot = (const void *)(gather->answer + (size_t)i * SLOT_SIZE);
        for (uint32_t j = 0; j < gather->values[i]; j++) {
            all[slot[j].partition] = (struct chek_chain_reach){
                .partition = slot[j].partition,
                .ranges = slot[j].ranges,
                .rows = slot[j].rows,
                .open = slot[j].open,
                .head =
                    chek_bytes_view_of(slot[j].head, slot[j].ranges != 0 ? sizeof slot[j].head : 0),
            };
        }
    }
    for (unsigned i = 1; i <= partition_count; i++) {
        if (all[i].partition != 0) {
            all[count++] = all[i];
        }
    }
    return (struct chek_chain_reaches){.chains = all, .chains_count = count};
}

static void
reaches_done(struct server__shard *shard, struct server__gather *gather)
{
    struct chek_request *request = gather->request;
    if (request != NULL) {
        struct chek_chain_reaches all = reaches_join(shard, gather);
        struct chek_writer out =
            chek_request_answer_begin(request, all.chains_count * CHEK_CHAIN_REACH_SIZE_MAX + 16);
        if (out.full) {
            chek_request_refuse(request, CHEK_E_BUSY, NULL, NULL);
        } else {
            chek_chain_reaches_encode(&out, &all);
            CHEK_ASSERT(!out.full);
            chek_request_answer_end(request, &out, true);
        }
    }
    server__gather_give(shard, gather);
}

/* Ask every shard, and answer with `on_done` when all have told. */
static void
gather_ask(struct server__shard *shard, struct chek_request *request,
           void (*run)(struct server__shard *shard, struct server__gather *gather, unsigned index),
           void (*on_done)(struct server__shard *shard, struct server__gather *gather))
{
    struct server__gather *gather = server__gather_take(shard);
    if (gather == NULL) {
        chek_request_refuse(request, CHEK_E_BUSY, NULL, NULL);
        return;
    }
    gather->request = request;
    gather->run = run;
    gather->on_done = on_done;
    memcpy(chek_request_state(request), &gather, sizeof gather);
    server__gather_begin(shard, gather);
}

/* ---- what is asked ---------------------------------------------------------------------------- */

void
server__ask_status(void *context, struct chek_request *request, struct chek_bytes_view body)
{
    (void)body;
    gather_ask(context, request, server__status_run, status_done);
}

void
server__ask_chains(void *context, struct chek_request *request, struct chek_bytes_view body)
{
    (void)body;
    gather_ask(context, request, reaches_run, reaches_done);
}
