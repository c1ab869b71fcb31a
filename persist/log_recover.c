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
    struct stream *streams;
    size_t stream_count; /* of the generation with the most */
};

#define MEMORY_SIZE (CHEK_BLOCK_SIZE + LOG_READ_SIZE + LOG_GATHER_SIZE)

/* A stream that is replayed. */
struct stream {
    struct log_scan scan;
    struct chek_log_known known;
    const struct log_entry *entries; /* of its files, those that count and others */
    size_t count, next;
    uint32_t want;   /* number of the next file that counts */
    uint8_t *memory; /* MEMORY_SIZE, while it is read */
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
        .file = -1,
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

/* Whether the stream has been read to its end. */
static bool
stream_is_read(const struct stream *stream)
{
    return stream->scan.file < 0 && (stream->scan.finished || stream->next == stream->count);
}

/* Read and replay some more of a stream: part of a file, or on to the next one. */
static int
stream_step(struct stream *stream)
{
    struct log_scan *scan = &stream->scan;
    if (scan->file >= 0) {
        return persist__log_scan_part(scan);
    }
    const uint32_t number = stream->entries[stream->next++].file;
    if (number == 0) {
        return persist__log_scan_watermark(scan);
    }
    if (number > stream->want) {
        scan->place.file = stream->want;
        return persist__log_scan_fail(scan, CHEK_E_CORRUPT, &scan->place, 0);
    }
    if (number < stream->want) {
        return CHEK_OK; /* it was let go, and not removed yet */
    }
    stream->want += 1;
    return persist__log_scan_open(scan, number);
}

/*
 * Replay the streams of one generation. They are read in turns: commands of a run's shards are then
 * handed over side by side, as they were logged, and who applies them can do that side by side too.
 */
static int
streams_replay(const struct recovery *recovery, size_t count)
{
    int error = CHEK_OK;
    for (bool is_read = false; !is_read && error == CHEK_OK;) {
        is_read = true;
        for (size_t i = 0; i < count && error == CHEK_OK; i++) {
            if (!stream_is_read(&recovery->streams[i])) {
                is_read = false;
                error = stream_step(&recovery->streams[i]);
            }
        }
    }
    for (size_t i = 0; i < count && error == CHEK_OK; i++) {
        error = scan_end(&recovery->streams[i].scan, &recovery->streams[i].known);
    }
    return error;
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

/* Entries from the `i`-th on that are of its stream. */
static size_t
stream_entry_count(const struct log_folder *folder, size_t i)
{
    size_t end = i + 1;
    while (end < folder->count &&
           folder->entries[end].generation == folder->entries[i].generation &&
           folder->entries[end].stream == folder->entries[i].stream) {
        end += 1;
    }
    return end - i;
}

/*
 * Decide about a stream that the manifest may or may not list, and put it behind the `*count` that
 * are to be replayed.
 */
static int
stream_admit(const struct recovery *recovery, const struct log_entry *entries, size_t entry_count,
             size_t *count)
{
    const struct chek_log_recovery *options = recovery->options;
    const struct chek_log_known nothing = known_nothing(entries->generation, entries->stream);
    const struct chek_log_known *known = &nothing;

    if (options->known_generation != 0) {
        if (entries->generation > options->known_generation) {
            /* A run writes the manifest before its log: this is not the last manifest. */
            struct log_scan scan = scan_begin(recovery, &nothing);
            return persist__log_scan_fail(&scan, CHEK_E_CORRUPT, &scan.place, 0);
        }
        known = known_find(options, entries->generation, entries->stream);
    }
    if (known != NULL) {
        struct stream *stream = &recovery->streams[*count];
        *stream = (struct stream){.scan = scan_begin(recovery, known),
                                  .known = *known,
                                  .entries = entries,
                                  .count = entry_count,
                                  .want = known->file_first};
        *count += 1;
        stream->memory = chek_memory_allocate(MEMORY_SIZE);
        if (stream->memory == NULL) {
            return -ENOMEM;
        }
        stream->scan.buffer =
            stream->memory + (CHEK_BLOCK_SIZE - (uintptr_t)stream->memory % CHEK_BLOCK_SIZE);
        stream->scan.group = stream->scan.buffer + LOG_READ_SIZE;
    }
    return CHEK_OK;
}

/* Make room for the streams of the generation that has the most. */
static int
streams_allocate(struct recovery *recovery)
{
    const struct log_folder *folder = &recovery->folder;
    uint64_t generation = 0;
    size_t count = 0;
    for (size_t i = 0; i < folder->count; i += stream_entry_count(folder, i)) {
        count = folder->entries[i].generation == generation ? count + 1 : 1;
        generation = folder->entries[i].generation;
        recovery->stream_count = count > recovery->stream_count ? count : recovery->stream_count;
    }
    if (recovery->stream_count == 0) {
        return CHEK_OK;
    }
    recovery->streams = chek_memory_allocate(recovery->stream_count * sizeof *recovery->streams);
    return recovery->streams != NULL ? CHEK_OK : -ENOMEM;
}

static int
folder_replay(const struct recovery *recovery)
{
    const struct log_folder *folder = &recovery->folder;
    int error = CHEK_OK;
    for (size_t i = 0; i < folder->count && error == CHEK_OK;) {
        const uint64_t generation = folder->entries[i].generation;
        size_t count = 0;
        while (i < folder->count && folder->entries[i].generation == generation &&
               error == CHEK_OK) {
            size_t entry_count = stream_entry_count(folder, i);
            error = stream_admit(recovery, &folder->entries[i], entry_count, &count);
            i += entry_count;
        }
        if (error == CHEK_OK) {
            error = streams_replay(recovery, count);
        }
        for (size_t j = 0; j < count; j++) {
            persist__log_scan_close(&recovery->streams[j].scan);
            chek_memory_free(recovery->streams[j].memory, MEMORY_SIZE);
        }
    }
    return error;
}

int
chek_log_recover(struct chek_io *io, const uint64_t folder_id[2],
                 const struct chek_log_recovery *options, uint64_t *ret_generation_last,
                 struct chek_log_fault *fault)
{
    CHEK_ASSERT(options->on_command != NULL);
    struct recovery recovery = {
        .io = io,
        .options = options,
        .fault = fault,
        .folder_id = {folder_id[0], folder_id[1]},
    };
    int error = persist__log_folder_list(io, &recovery.folder);
    if (error == CHEK_OK) {
        error = streams_allocate(&recovery);
    }
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
    chek_memory_free(recovery.streams, recovery.stream_count * sizeof *recovery.streams);
    return error;
}
