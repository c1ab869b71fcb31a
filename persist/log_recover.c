/* SPDX-License-Identifier: MIT */
/*
 * log_recover.c - which streams are replayed at a start, in which order, and how each ended.
 *
 * With a manifest, its list decides: a listed stream must have its files, one that is not listed
 * was let go. How far a stream reached is told to the caller, who keeps it in the manifest; from
 * then on exactly that much of the stream counts, so that replaying it again gives the same.
 */
#include <errno.h>

#include "engine/base/assertion.h"
#include "engine/base/memory.h"
#include "engine/base/planted.h"
#include "persist/log_folder.h"
#include "persist/log_scan.h"

/* One recovery. */
struct recovery {
    struct chek_io *io;
    const struct chek_log_recovery *options;
    struct chek_log_fault *fault;
    struct log_folder folder;
    uint64_t folder_id[2];
    uint8_t *memory;
    uint8_t *buffer;
};

/* ---- streams ------------------------------------------------------------------------------- */

/* What is known of a stream that has not been read yet, when there is no manifest. */
static struct chek_log_known
known_nothing(uint64_t generation, uint32_t stream)
{
    return (struct chek_log_known){.generation = generation, .stream = stream, .file_first = 1};
}

static struct log_scan
scan_begin(const struct recovery *recovery, const struct chek_log_known *known)
{
    CHEK_ASSERT(known->file_first != 0);
    CHEK_ASSERT(!known->ended || known->lsn_end >= known->lsn_first);

    struct log_scan scan = {
        .io = recovery->io,
        .options = recovery->options,
        .fault = recovery->fault,
        .buffer = recovery->buffer,
        .group = recovery->buffer + LOG_READ_SIZE,
        .place = {.folder_id = {recovery->folder_id[0], recovery->folder_id[1]},
                  .generation = known->generation,
                  .stream = known->stream,
                  .file = known->file_first},
        .lsn = known->lsn_first,
        .group_lsn = known->lsn_first,
        .proven_lsn = known->ended ? known->lsn_end : known->lsn_first,
        .limit_lsn = known->ended ? known->lsn_end : LOG_LSN_MAX,
    };
    scan.finished = scan.lsn == scan.limit_lsn;
    scan.stop_place = scan.place;
    return scan;
}

/* Judge the end: cut what is torn, unless it was proved durable. */
static int
scan_end(const struct log_scan *scan, const struct chek_log_known *known)
{
    const struct chek_log_recovery *options = scan->options;
    struct chek_log_fault cut;

    persist__log_fault(scan, &scan->stop_place, scan->stop_offset, scan->lsn, &cut);
    if (scan->proven_lsn > scan->lsn && !CHEK_PLANTED(ACKNOWLEDGED_TAIL_CUT)) {
        *scan->fault = cut;
        return CHEK_E_CORRUPT;
    }
    bool is_cut = scan->torn && !scan->finished; /* by this recovery */
    if (is_cut && options->on_cut != NULL) {
        options->on_cut(options->context, &cut);
    }
    if (options->on_end != NULL) {
        struct chek_log_known end = *known;
        end.ended = true;
        end.lsn_end = scan->lsn;
        end.torn |= is_cut;
        options->on_end(options->context, &end);
    }
    return CHEK_OK;
}

/* Replay a stream whose files are `entries`; they must be `known->file_first` and those behind. */
static int
stream_replay(const struct recovery *recovery, const struct log_entry *entries, size_t count,
              const struct chek_log_known *known)
{
    struct log_scan scan = scan_begin(recovery, known);
    uint32_t want = known->file_first;
    int error = CHEK_OK;

    for (size_t i = 0; i < count && error == CHEK_OK && !scan.finished; i++) {
        const uint32_t number = entries[i].file;
        if (number == 0) {
            error = persist__log_scan_watermark(&scan);
        } else if (number > want) {
            scan.place.file = want;
            error = persist__log_scan_fail(&scan, CHEK_E_CORRUPT, &scan.place, 0);
        } else if (number == want) { /* a lower one was let go, and not removed yet */
            want += 1;
            error = persist__log_scan_file(&scan, number);
        }
    }
    return error == CHEK_OK ? scan_end(&scan, known) : error;
}

/* ---- the manifest's list ------------------------------------------------------------------- */

static const struct chek_log_known *
known_find(const struct chek_log_recovery *options, uint64_t generation, uint32_t stream)
{
    for (size_t i = 0; i < options->known_count; i++) {
        const struct chek_log_known *known = &options->known[i];
        if (known->generation == generation && known->stream == stream) {
            return known;
        }
    }
    return NULL;
}

static bool
folder_has(const struct log_folder *folder, const struct chek_log_known *known)
{
    for (size_t i = 0; i < folder->count; i++) {
        const struct log_entry *entry = &folder->entries[i];
        if (entry->generation == known->generation && entry->stream == known->stream &&
            entry->file == known->file_first) {
            return true;
        }
    }
    return false;
}

/* A stream that is listed must have its first file, unless nothing ever was in it. */
static int
known_check(const struct recovery *recovery)
{
    const struct chek_log_recovery *options = recovery->options;
    for (size_t i = 0; i < options->known_count; i++) {
        const struct chek_log_known *known = &options->known[i];
        bool may_be_absent =
            known->ended ? known->lsn_end == known->lsn_first : known->file_first == 1;
        if (!may_be_absent && !folder_has(&recovery->folder, known)) {
            struct log_scan scan = scan_begin(recovery, known);
            return persist__log_scan_fail(&scan, CHEK_E_CORRUPT, &scan.place, 0);
        }
    }
    return CHEK_OK;
}

/* Decide about a stream that the manifest may or may not list, and replay it. */
static int
stream_admit(const struct recovery *recovery, const struct log_entry *entries, size_t count)
{
    const struct chek_log_recovery *options = recovery->options;
    const struct chek_log_known nothing = known_nothing(entries->generation, entries->stream);

    if (options->known_generation == 0) {
        return stream_replay(recovery, entries, count, &nothing);
    }
    if (entries->generation > options->known_generation) {
        /* A run writes the manifest before its log: this is not the last manifest. */
        struct log_scan scan = scan_begin(recovery, &nothing);
        return persist__log_scan_fail(&scan, CHEK_E_CORRUPT, &scan.place, 0);
    }
    const struct chek_log_known *known = known_find(options, entries->generation, entries->stream);
    return known != NULL ? stream_replay(recovery, entries, count, known) : CHEK_OK;
}

static int
folder_replay(const struct recovery *recovery)
{
    const struct log_folder *folder = &recovery->folder;
    size_t next;

    for (size_t i = 0; i < folder->count; i = next) {
        const struct log_entry *first = &folder->entries[i];
        for (next = i + 1; next < folder->count; next++) {
            const struct log_entry *entry = &folder->entries[next];
            if (entry->generation != first->generation || entry->stream != first->stream) {
                break;
            }
        }
        int error = stream_admit(recovery, first, next - i);
        if (error != CHEK_OK) {
            return error;
        }
    }
    return CHEK_OK;
}

int
chek_log_recover(struct chek_io *io, const uint64_t folder_id[2],
                 const struct chek_log_recovery *options, uint64_t *ret_generation_last,
                 struct chek_log_fault *fault)
{
    CHEK_ASSERT(options->on_command != NULL);
    const size_t memory_size = CHEK_BLOCK_SIZE + LOG_READ_SIZE + LOG_GATHER_SIZE;
    struct recovery recovery = {
        .io = io,
        .options = options,
        .fault = fault,
        .folder_id = {folder_id[0], folder_id[1]},
        .memory = chek_memory_allocate(memory_size),
    };
    if (recovery.memory == NULL) {
        return -ENOMEM;
    }
    recovery.buffer =
        recovery.memory + (CHEK_BLOCK_SIZE - (uintptr_t)recovery.memory % CHEK_BLOCK_SIZE);

    int error = persist__log_folder_list(io, &recovery.folder);
    if (error == CHEK_OK) {
        error = known_check(&recovery);
    }
    if (error == CHEK_OK) {
        error = folder_replay(&recovery);
    }
    if (error == CHEK_OK) {
        size_t count = recovery.folder.count;
        uint64_t last = count != 0 ? recovery.folder.entries[count - 1].generation : 0;
        *ret_generation_last = last > options->known_generation ? last : options->known_generation;
    }
    persist__log_folder_finish(&recovery.folder);
    chek_memory_free(recovery.memory, memory_size);
    return error;
}
