/* SPDX-License-Identifier: MIT */
/*
 * verify_log.c - the log replayed in memory, as a start would.
 */
#include <errno.h>
#include <stdio.h>

#include "engine/base/memory.h"
#include "tools/verify/verify_run.h"

#define PROGRESS_STEP 65536

static void
command_fail(struct verify__run *run, const struct chek_envelope *envelope, int error)
{
    struct verify__partition *partition = &run->partitions[envelope->partition];
    if (!partition->log_failed) { /* what follows it is a consequence */
        verify__find(run, CHEK_LOG_FOLDER, VERIFY_NO_OFFSET, envelope->partition,
                     envelope->registration,
                     "command %" PRIu64 " (kind %u) cannot be applied on top of %" PRIu64 ": %s",
                     envelope->partition_seq, envelope->kind,
                     chek_partition_seq(partition->partition), chek_error_text(error));
    }
    partition->log_failed = true;
}

static int
command_apply(struct verify__run *run, const struct chek_command *command)
{
    struct verify__partition *partition = &run->partitions[command->envelope.partition];
    struct chek_outcome outcome;
    if (partition->partition == NULL || partition->log_failed ||
        command->envelope.partition_seq <= chek_partition_seq(partition->partition)) {
        return CHEK_OK;
    }
    int error = chek_partition_ensure(partition->partition, command->body.size);
    if (error == CHEK_OK) {
        error = chek_partition_apply(partition->partition, command, &outcome);
    }
    if (error == -ENOMEM) {
        return error;
    }
    if (error != CHEK_OK) {
        command_fail(run, &command->envelope, error);
        return CHEK_OK;
    }
    run->summary.command_count += 1;
    if (run->summary.command_count % PROGRESS_STEP == 0) {
        verify__progress(run, "log", run->summary.command_count, 0);
    }
    return CHEK_OK;
}

static int
on_command(void *context, struct chek_bytes_view bytes)
{
    struct verify__run *run = context;
    struct chek_command command;
    int error = chek_command_decode(bytes, &command);
    if (error == CHEK_OK && command.envelope.partition > run->summary.partition_count) {
        error = CHEK_E_RANGE;
    }
    if (error != CHEK_OK) {
        verify__find(run, CHEK_LOG_FOLDER, VERIFY_NO_OFFSET, -1, 0,
                     "a command of %zu bytes is not one: %s", bytes.size, chek_error_text(error));
        return CHEK_OK;
    }
    return command_apply(run, &command);
}

static void
on_cut(void *context, const struct chek_log_fault *cut)
{
    verify__note(context, cut->file,
                 "a torn tail from offset %" PRIu64 " on: written, and acknowledged to nobody",
                 cut->offset);
}

/* ---- behind the ends ------------------------------------------------------------------------ */

static int
on_command_again(void *context, struct chek_bytes_view bytes)
{
    (void)context;
    (void)bytes;
    return CHEK_OK;
}

static void
on_end_again(void *context, const struct chek_log_known *end)
{
    struct verify__run *run = context;
    for (size_t i = 0; i < run->manifest.log_count; i++) {
        const struct chek_log_known *known = &run->manifest.logs[i];
        if (known->generation == end->generation && known->stream == end->stream && known->ended &&
            !known->torn && (end->lsn_end != known->lsn_end || end->torn)) {
            verify__note(run, CHEK_LOG_FOLDER,
                         "stream %u of generation %" PRIu64 " ended at %" PRIu64
                         ", and now there is something behind it",
                         known->stream, known->generation, known->lsn_end);
        }
    }
}

/*
 * A start stops where the manifest says that a stream ended, and does not look at what follows. Where
 * nothing was torn the files themselves end there: read as if the manifest did not know, they must
 * say the same. What does not is harmless, and nobody of ours wrote it.
 */
static int
ends_check(struct verify__run *run)
{
    struct chek_log_fault fault = {0};
    size_t count = run->manifest.log_count;
    uint64_t generation_last;
    struct chek_log_known *known = chek_memory_allocate((count + 1) * sizeof *known);
    if (known == NULL) {
        return -ENOMEM;
    }
    for (size_t i = 0; i < count; i++) {
        known[i] = run->manifest.logs[i];
        bool is_empty = known[i].lsn_end == known[i].lsn_first; /* a snapshot has it all */
        if (!known[i].torn && !is_empty) {
            known[i].ended = false;
            known[i].lsn_end = 0;
        }
    }
    struct chek_log_recovery recovery = {
        .context = run,
        .on_command = on_command_again,
        .on_end = on_end_again,
        .known_generation = run->manifest.generation,
        .known = known,
        .known_count = count,
    };
    int error =
        chek_log_recover(run->io, run->manifest.folder_id, &recovery, &generation_last, &fault);
    chek_memory_free(known, (count + 1) * sizeof *known);
    if (error == CHEK_E_CORRUPT || error == CHEK_E_FOREIGN || error == CHEK_E_VERSION) {
        verify__note(run, fault.file, "behind the end of its stream, at offset %" PRIu64 ": %s",
                     fault.offset, chek_error_text(error));
        return CHEK_OK;
    }
    return error;
}

int
verify__log_replay(struct verify__run *run)
{
    struct chek_log_fault fault = {0};
    struct chek_log_recovery recovery = {
        .context = run,
        .on_command = on_command,
        .on_cut = on_cut,
        .known_generation = run->manifest.generation,
        .known = run->manifest.logs,
        .known_count = run->manifest.log_count,
    };
    uint64_t generation_last;
    verify__progress(run, "log", 0, 0);
    int error =
        chek_log_recover(run->io, run->manifest.folder_id, &recovery, &generation_last, &fault);
    if (error == CHEK_E_CORRUPT || error == CHEK_E_FOREIGN || error == CHEK_E_VERSION) {
        char lost[80] = "";
        if (fault.lsn_to > fault.lsn_from) {
            (void)snprintf(lost, sizeof lost, "; log positions %" PRIu64 " to %" PRIu64 " are lost",
                           fault.lsn_from, fault.lsn_to);
        }
        verify__find(run, fault.file, fault.offset, -1, 0, "%s%s", chek_error_text(error), lost);
        run->log_failed = true;
        return CHEK_OK;
    }
    return error == CHEK_OK ? ends_check(run) : error;
}
