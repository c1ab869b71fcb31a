/* SPDX-License-Identifier: MIT */
/*
 * verify_events.c - change streams: gap-free, as the replay makes them, and as the rows say.
 *
 * Every stored event is read once. The ones that the log makes again are compared by a running hash;
 * all of them, stored or made, go into a sum a registration that the rows must come to as well.
 */
#include <errno.h>
#include <stdio.h>

#include "engine/base/checksum.h"
#include "engine/base/cursor.h"
#include "engine/base/memory.h"
#include "persist/event_scan.h"
#include "tools/verify/verify_run.h"

#define EVENT_CODE_SIZE 64
#define FAULT_COUNT_MAX 1000

/* ---- sums by registration --------------------------------------------------------------------- */

uint64_t
verify__event_sum(const struct chek_event *event)
{
    uint8_t bytes[EVENT_CODE_SIZE] = {0};
    if (event->kind == CHEK_EVENT_KIND_CONFLICT || event->kind == CHEK_EVENT_KIND_ALARM) {
        return 0; /* of documents that left no row */
    }
    if (event->kind == CHEK_EVENT_KIND_DIFFERS) { /* of a shift, whichever row told it */
        chek_store_u32(bytes, event->kind);
        chek_store_u32(bytes + 4, event->shift);
        chek_store_u32(bytes + 8, event->code);
        return chek_checksum(bytes, sizeof bytes);
    }
    chek_store_u32(bytes, event->kind);
    chek_store_u32(bytes + 4, event->ordinal);
    chek_store_u32(bytes + 8, event->shift);
    chek_store_u32(bytes + 12, event->operation);
    chek_store_u64(bytes + 16, (uint64_t)event->time);
    chek_store_u64(bytes + 24, (uint64_t)event->total);
    chek_store_u32(bytes + 32, event->document);
    chek_store_u32(bytes + 36, event->revision);
    chek_store_u64(bytes + 40, event->sign);
    if (event->kind != CHEK_EVENT_KIND_REGISTERED) { /* no row says when that was */
        chek_store_u64(bytes + 48, event->received);
    }
    return chek_checksum(bytes, sizeof bytes);
}

static int
told_add(struct verify__run *run, const struct chek_event *event)
{
    size_t needed = (size_t)event->registration + 1;
    if (needed > run->told_count) {
        size_t count = needed + needed / 2 + 1024;
        struct verify__told *grown =
            chek_memory_grow(run->told, run->told_count * sizeof *grown, count * sizeof *grown);
        if (grown == NULL) {
            return -ENOMEM;
        }
        run->told = grown;
        run->told_count = count;
    }
    struct verify__told *told = &run->told[event->registration];
    bool is_retry = event->code == (uint32_t)-CHEK_E_CONFLICT;
    told->sum += verify__event_sum(event);
    told->conflicts += event->kind == CHEK_EVENT_KIND_CONFLICT;
    told->retries += event->kind == CHEK_EVENT_KIND_ALARM && is_retry;
    told->refusals += event->kind == CHEK_EVENT_KIND_ALARM && !is_retry;
    return CHEK_OK;
}

/* ---- stored ----------------------------------------------------------------------------------- */

static int
entry_read(struct verify__run *run, const struct chek_event_block *block, uint64_t seq,
           struct chek_bytes_view bytes)
{
    struct verify__partition *partition = &run->partitions[block->partition];
    struct chek_event event;
    struct chek_fault fault;
    int error = chek_event_decode_whole(bytes.bytes, bytes.size, NULL, &event, &fault);
    if (error != CHEK_OK) {
        verify__find(run, block->file, block->offset, block->partition, 0,
                     "event %" PRIu64 " is not one: %s", seq, chek_error_text(error));
        return CHEK_OK;
    }
    run->summary.event_count += 1;
    if (partition->partition != NULL && seq > partition->image_event_seq) {
        partition->events_stored =
            chek_checksum_seeded(bytes.bytes, bytes.size, partition->events_stored);
    }
    return told_add(run, &event);
}

static int
on_block(void *context, const struct chek_event_block *block)
{
    struct verify__run *run = context;
    struct chek_cursor in = chek_cursor_over(block->body.bytes, block->body.size);
    int error = CHEK_OK;
    for (uint32_t i = 0; i < block->count && error == CHEK_OK; i++) {
        uint16_t size = chek_cursor_u16(&in);
        struct chek_bytes_view entry = chek_cursor_view(&in, size);
        if (in.error != CHEK_OK) {
            break;
        }
        error = entry_read(run, block, block->seq + i, entry);
    }
    if (in.error != CHEK_OK || (error == CHEK_OK && chek_cursor_left(&in) != 0)) {
        verify__find(run, block->file, block->offset, block->partition, 0,
                     "the block does not hold the %u events that it says", block->count);
    }
    run->partitions[block->partition].event_last = block->seq + block->count - 1;
    return error;
}

static void
on_fault(void *context, const char *file, uint64_t offset, int error)
{
    struct verify__run *run = context;
    if (error == CHEK_E_RESERVED) {
        verify__find(run, file, offset, -1, 0, "the padding behind a block is not zero");
        return;
    }
    struct verify__fault *grown =
        run->fault_count < FAULT_COUNT_MAX
            ? chek_memory_grow(run->faults, run->fault_count * sizeof *grown,
                               (run->fault_count + 1) * sizeof *grown)
            : NULL;
    if (grown != NULL) {
        run->faults = grown;
        struct verify__fault *fault = &run->faults[run->fault_count++];
        *fault = (struct verify__fault){.offset = offset, .error = error};
        (void)snprintf(fault->file, sizeof fault->file, "%s", file);
    }
}

int
verify__events_read(struct verify__run *run)
{
    struct chek_event_visitor visitor = {run, on_block, on_fault};
    verify__progress(run, "events", 0, 0);
    int error =
        chek_event_scan(run->io, run->manifest.folder_id, run->summary.partition_count, &visitor);
    if (error == CHEK_E_VERSION) {
        verify__find(run, "event", VERIFY_NO_OFFSET, -1, 0, "a file of a later version");
        return CHEK_OK;
    }
    if (error == -ENOENT) { /* the folder of a server that never started */
        verify__find(run, "event", VERIFY_NO_OFFSET, -1, 0, "the folder is not there");
        return CHEK_OK;
    }
    return error;
}

/* ---- made ------------------------------------------------------------------------------------- */

void
verify__event_made(void *context, uint16_t number, uint64_t event_seq,
                   const struct chek_event *event)
{
    struct verify__run *run = context;
    struct verify__partition *partition = &run->partitions[number];
    if (event_seq > partition->event_last) {
        if (told_add(run, event) != CHEK_OK) {
            run->log_failed = true; /* without the sum nothing can be said about events */
        }
        return;
    }
    uint8_t bytes[CHEK_EVENT_SIZE_MAX];
    struct chek_writer out = chek_writer_over(bytes, sizeof bytes);
    chek_event_encode(&out, event);
    partition->events_made = chek_checksum_seeded(bytes, out.size, partition->events_made);
}

/* ---- compared --------------------------------------------------------------------------------- */

/* Whether events of the partition are gone: the snapshot has them, and so the log does not. */
static bool
compare_one(struct verify__run *run, uint16_t number)
{
    const struct verify__partition *partition = &run->partitions[number];
    if (partition->partition == NULL) {
        return false;
    }
    uint64_t reached = chek_partition_event_seq(partition->partition);
    if (partition->event_last < partition->image_event_seq) {
        verify__find(run, "event", VERIFY_NO_OFFSET, number, 0,
                     "events %" PRIu64 " to %" PRIu64 " are lost", partition->event_last + 1,
                     partition->image_event_seq);
        return true;
    }
    if (run->log_failed || partition->log_failed) {
        return false; /* the replay did not get as far as the events did */
    }
    if (partition->event_last > reached) {
        verify__find(run, "event", VERIFY_NO_OFFSET, number, 0,
                     "events up to %" PRIu64 " are stored, and commands make %" PRIu64,
                     partition->event_last, reached);
    } else if (partition->events_stored != partition->events_made) {
        verify__find(run, "event", VERIFY_NO_OFFSET, number, 0,
                     "events %" PRIu64 " to %" PRIu64 " are not those that the log makes again",
                     partition->image_event_seq + 1, partition->event_last);
    }
    return false;
}

void
verify__events_compare(struct verify__run *run)
{
    bool lost = false;
    for (uint32_t i = 0; i <= run->summary.partition_count; i++) {
        lost = compare_one(run, (uint16_t)i) || lost;
    }
    for (size_t i = 0; i < run->fault_count; i++) {
        const struct verify__fault *fault = &run->faults[i];
        if (lost) {
            verify__find(run, fault->file, fault->offset, -1, 0,
                         "a block of events that does not count, and nothing behind it: %s",
                         chek_error_text(fault->error));
        } else {
            verify__note(run, fault->file,
                         "events from offset %" PRIu64 " on were never finished; they are in a "
                         "later file, or the log makes them again",
                         fault->offset);
        }
    }
}
