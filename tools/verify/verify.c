/* SPDX-License-Identifier: MIT */
/*
 * verify.c - the order of things: files, log, then what they come to.
 */
#include "tools/verify/verify.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "engine/base/memory.h"
#include "tools/verify/verify_run.h"

#define SCRATCH_SIZE ((size_t)64 * 1024 * 1024)
#define SCRATCH_SIZE_MAX ((size_t)4 * 1024 * 1024 * 1024)
#define PAGES_SIZE ((size_t)1024 * 1024)

void
verify__find(struct verify__run *run, const char *file, uint64_t offset, int partition,
             uint32_t registration, const char *format, ...)
{
    struct chek_verify_finding finding = {
        .offset = offset, .partition = partition, .registration = registration};
    va_list arguments;
    va_start(arguments, format);
    (void)snprintf(finding.file, sizeof finding.file, "%s", file);
    (void)vsnprintf(finding.text, sizeof finding.text, format, arguments);
    va_end(arguments);
    run->summary.finding_count += 1;
    if (run->config.on_finding != NULL) {
        run->config.on_finding(run->config.context, &finding);
    }
}

void
verify__note(struct verify__run *run, const char *file, const char *format, ...)
{
    char text[CHEK_VERIFY_TEXT_SIZE];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    if (run->config.on_note != NULL) {
        run->config.on_note(run->config.context, file, text);
    }
}

void
verify__progress(struct verify__run *run, const char *stage, uint64_t done, uint64_t total)
{
    if (run->config.on_progress != NULL) {
        run->config.on_progress(run->config.context, stage, done, total);
    }
}

bool
verify__scratch_enlarge(struct verify__run *run, int *error)
{
    struct chek_arena larger;
    size_t capacity = run->scratch.capacity * 4;
    if (capacity > SCRATCH_SIZE_MAX) {
        return false;
    }
    *error = chek_arena_init(&larger, capacity);
    if (*error != CHEK_OK) {
        return false;
    }
    chek_arena_finish(&run->scratch);
    run->scratch = larger;
    return true;
}

static int
run_begin(struct verify__run *run, struct chek_io *io, const struct chek_verify_config *config)
{
    run->config = *config;
    verify__door_init(&run->door, io);
    run->io = &run->door.io;
    run->bytes = chek_memory_allocate(CHEK_COMMAND_BODY_SIZE_MAX);
    run->want = chek_memory_allocate(sizeof *run->want);
    run->got = chek_memory_allocate(sizeof *run->got);
    int error = run->bytes != NULL && run->want != NULL && run->got != NULL ? CHEK_OK : -ENOMEM;
    if (error == CHEK_OK) {
        error = chek_arena_init(&run->scratch, SCRATCH_SIZE);
    }
    if (error == CHEK_OK) {
        error = chek_arena_init(&run->pages, PAGES_SIZE);
    }
    if (error == CHEK_OK) {
        error = verify__anchors_begin(run);
    }
    return error == CHEK_OK ? verify__rows_create(&run->rows) : error;
}

static void
run_end(struct verify__run *run)
{
    for (uint32_t i = 0; run->partitions != NULL && i <= run->summary.partition_count; i++) {
        chek_partition_destroy(run->partitions[i].partition);
    }
    chek_memory_free(run->partitions, (run->summary.partition_count + 1) * sizeof *run->partitions);
    chek_memory_free(run->told, run->told_count * sizeof *run->told);
    chek_memory_free(run->faults, run->fault_count * sizeof *run->faults);
    chek_memory_free(run->bytes, CHEK_COMMAND_BODY_SIZE_MAX);
    chek_memory_free(run->want, sizeof *run->want);
    chek_memory_free(run->got, sizeof *run->got);
    verify__chain_end(run);
    verify__persons_close(run);
    chek_arena_finish(&run->scratch);
    chek_arena_finish(&run->pages);
    verify__rows_destroy(run->rows);
    if (run->has_manifest) {
        chek_manifest_finish(&run->manifest);
    }
}

static int
partition_visit(struct verify__run *run, uint16_t number)
{
    struct chek_partition *partition = run->partitions[number].partition;
    struct chek_verify_partition found = {.partition = number};
    if (partition == NULL) {
        return CHEK_OK;
    }
    found.hash = chek_partition_hash(partition);
    found.partition_seq = chek_partition_seq(partition);
    found.event_seq = chek_partition_event_seq(partition);
    int error =
        number == 0 ? verify__directory_check(run) : verify__partition_check(run, number, &found);
    if (error != CHEK_OK) {
        return error;
    }
    run->summary.registration_count += found.registration_count;
    run->summary.row_count += found.row_count;
    run->summary.shift_count += found.shift_count;
    run->summary.report_count += found.report_count;
    if (run->config.on_partition != NULL) {
        run->config.on_partition(run->config.context, &found);
    }
    return CHEK_OK;
}

static int
folder_verify(struct verify__run *run)
{
    int error = chek_disk_lock(run->io);
    if (error == CHEK_OK) {
        error = verify__folder_load(run);
    }
    if (error == CHEK_E_NOT_FOUND || error == CHEK_E_CORRUPT || error == CHEK_E_VERSION) {
        return CHEK_OK; /* nothing says what belongs to the folder: that is the finding */
    }
    if (error == CHEK_OK) {
        error = verify__persons_open(run);
    }
    if (error == CHEK_OK) {
        error = verify__events_read(run);
    }
    if (error == CHEK_OK) {
        error = verify__log_replay(run);
    }
    if (error == CHEK_OK) {
        verify__events_compare(run);
    }
    for (uint32_t i = 0; i <= run->summary.partition_count && error == CHEK_OK; i++) {
        verify__progress(run, "rows and totals", i, run->summary.partition_count + 1);
        error = partition_visit(run, (uint16_t)i);
    }
    if (error == CHEK_OK) {
        verify__anchors_check(run);
    }
    return error;
}

int
chek_verify_folder(struct chek_io *io, const struct chek_verify_config *config,
                   struct chek_verify_summary *ret)
{
    struct verify__run *run = chek_memory_allocate(sizeof *run);
    if (run == NULL) {
        return -ENOMEM;
    }
    int error = run_begin(run, io, config);
    if (error == CHEK_OK) {
        error = folder_verify(run);
    }
    if (error == CHEK_OK) {
        *ret = run->summary;
    }
    run_end(run);
    chek_memory_free(run, sizeof *run);
    return error;
}
