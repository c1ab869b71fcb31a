/* SPDX-License-Identifier: MIT */
/*
 * verify_run.h - one run of the check, shared by the files of this room.
 */
#ifndef CHEK_VERIFY_VERIFY_RUN_H
#define CHEK_VERIFY_VERIFY_RUN_H

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "engine/partition/partition.h"
#include "engine/store/merge.h"
#include "persist/manifest.h"
#include "tools/verify/naive/naive.h"
#include "tools/verify/verify.h"

#define VERIFY_NO_OFFSET UINT64_MAX

/* An io that forwards what reads and refuses what would change the folder. */
struct verify__door {
    struct chek_io io;
    struct chek_io *inner;
};

struct verify__partition {
    struct chek_partition *partition;    /* NULL: its snapshot is damaged */
    char image[CHEK_MANIFEST_NAME_SIZE]; /* "" : the manifest names none */
    uint64_t image_number, image_seq;    /* partition_seq, as the manifest says */
    uint64_t image_event_seq;            /* of the image */
    uint32_t segment_count;
    struct chek_chain image_chain;       /* as the image says */
    struct chek_segments segments;       /* as the manifest names them */
    uint64_t event_last;                 /* the last one stored */
    uint64_t events_stored, events_made; /* hash of those behind the image, from file and log */
    bool log_failed;                     /* a command of it could not be applied */
};

/* A place in an event file from which on it was not believed. */
struct verify__fault {
    char file[CHEK_VERIFY_FILE_SIZE];
    uint64_t offset;
    int error;
};

/* Where a row stands in the order of its partition. */
struct verify__place {
    uint64_t received_us;
    uint32_t registration, ordinal;
};

/* What the events about a registration come to. */
struct verify__told {
    uint64_t sum;
    uint32_t conflicts, refusals, retries;
};

struct verify__run {
    struct verify__door door;
    struct chek_io *io; /* the door's */
    struct chek_verify_config config;
    struct chek_verify_summary summary;
    struct chek_manifest manifest;
    bool has_manifest;
    bool log_failed;                      /* it could not be read to its end */
    struct verify__partition *partitions; /* partition_count + 1 */
    struct verify__told *told;            /* by registration */
    size_t told_count;
    struct verify__fault *faults;
    size_t fault_count;
    struct chek_arena scratch; /* for the length of one row or report */
    struct chek_arena pages;   /* for the length of one registration's profile */
    uint8_t *bytes;            /* a document encoded */
    struct verify__rows *rows; /* verify_rows.c */
    struct verify__markings {
        uint64_t count, sum;
        uint64_t finding_count; /* before the partition */
    } markings;                 /* codes of the documents that were read */
    struct verify__persons {
        struct verify__named *named; /* of the partition that is being checked */
        size_t count, capacity;
        void *key; /* a struct chek_subject_key */
        bool has_key;
    } persons;
    struct verify__place *places; /* of all rows of the partition that is being checked */
    size_t place_count, place_capacity;
    bool has_all_places; /* every row of it could be read */
    bool *anchors_met;   /* config.anchor_count */
    struct chek_naive_figures *want, *got;
};

/* Say what is wrong. `file` may be "". */
__attribute__((format(printf, 6, 7))) void verify__find(struct verify__run *run, const char *file,
                                                        uint64_t offset, int partition,
                                                        uint32_t registration, const char *format,
                                                        ...);
__attribute__((format(printf, 3, 4))) void verify__note(struct verify__run *run, const char *file,
                                                        const char *format, ...);
/*
 * Make the scratch four times as large, and empty. False when it is large enough for anything that is
 * sound, or there is no memory, which *error is then set to.
 */
bool verify__scratch_enlarge(struct verify__run *run, int *error);
void verify__progress(struct verify__run *run, const char *stage, uint64_t done, uint64_t total);

/* ---- verify_door.c ---------------------------------------------------------------------------- */

void verify__door_init(struct verify__door *door, struct chek_io *inner);

/* ---- verify_folder.c: what the manifest names -------------------------------------------------- */

/*
 * Load the manifest, every file that it names, and the partitions from them.
 *
 *   Errors     of the machine; what is damaged is a finding, and then a partition may be NULL
 */
CHEK_MUST_USE int verify__folder_load(struct verify__run *run);

/* ---- verify_log.c ------------------------------------------------------------------------------ */

/* Replay the log on top. Errors: of the machine. */
CHEK_MUST_USE int verify__log_replay(struct verify__run *run);

/* ---- verify_events.c --------------------------------------------------------------------------- */

/* Read all event files, after the images and before the replay. Errors: of the machine. */
CHEK_MUST_USE int verify__events_read(struct verify__run *run);

/* A partition's sink: an event made by the replay. */
void verify__event_made(void *context, uint16_t partition, uint64_t event_seq,
                        const struct chek_event *event);

/* Compare what was stored with what was made, after the replay. */
void verify__events_compare(struct verify__run *run);

/* What an event adds to the sum of its registration; 0 when it says nothing that rows say too. */
uint64_t verify__event_sum(const struct chek_event *event);

/* ---- verify_directory.c ------------------------------------------------------------------------ */

/* The directory itself: principals, keys that lead back, homes. Errors: of the machine. */
CHEK_MUST_USE int verify__directory_check(struct verify__run *run);

/* One registration of a partition against the directory. */
void verify__registration_home(struct verify__run *run, uint16_t partition, uint32_t registration,
                               const struct chek_register *profile);

/* ---- verify_partition.c ------------------------------------------------------------------------ */

/* One partition above 0, row by row. Errors: of the machine. */
CHEK_MUST_USE int verify__partition_check(struct verify__run *run, uint16_t partition,
                                          struct chek_verify_partition *ret);

/* ---- verify_rows.c ----------------------------------------------------------------------------- */

/* What the documents of one registration come to. */
struct verify__rows {
    struct chek_naive naive;
    struct chek_arena *arenas; /* the documents of `naive` */
    uint32_t arena_count, arena_at;
    uint32_t *numbers; /* regular numbers as they came */
    uint32_t number_count, number_capacity;
    uint64_t event_sum;
    uint64_t late_count, completed_count;
    uint32_t warned[CHEK_WARNING_COUNT]; /* rows that stand, by what they are marked with */
    uint32_t row_count;
    bool sound;      /* the list stands for the rows: totals can be recomputed from it */
    bool is_partial; /* documents were removed by retention: there is no list */
};

CHEK_MUST_USE int verify__rows_create(struct verify__rows **ret);
void verify__rows_destroy(struct verify__rows *rows); /* takes NULL */

/*
 * Read all rows of a registration, check each, and make the list of them in run->rows.
 *
 *   Errors     of the machine
 */
CHEK_MUST_USE int verify__rows_read(struct verify__run *run, uint16_t partition,
                                    uint32_t registration);

/* Check that numbers and ordinals lead to the rows, and that holes are those of the rows. */
CHEK_MUST_USE int verify__identity_check(struct verify__run *run, uint16_t partition,
                                         uint32_t registration);

/* ---- verify_chain.c ---------------------------------------------------------------------------- */

/* Begin with the rows of a partition; add one that was read. Errors: -ENOMEM. */
void verify__chain_begin(struct verify__run *run);
CHEK_MUST_USE int verify__chain_row(struct verify__run *run, const struct chek_row *row);

/* Compute the chain over all rows that were added, and compare it with what is said of it. */
void verify__chain_check(struct verify__run *run, uint16_t partition,
                         struct chek_verify_partition *ret);
void verify__chain_end(struct verify__run *run);

/* Before the partitions, and after them: whether every noted head was met. Errors: -ENOMEM. */
CHEK_MUST_USE int verify__anchors_begin(struct verify__run *run);
void verify__anchors_check(struct verify__run *run);

/* ---- verify_hours.c ---------------------------------------------------------------------------- */

/* Compare sums by hour with those of the documents of run->rows. Errors: of the machine. */
CHEK_MUST_USE int verify__hours_check(struct verify__run *run, uint16_t partition,
                                      uint32_t registration);

/* ---- verify_kept.c ----------------------------------------------------------------------------- */

/* Whether retention removed what is kept of a partition, and nothing more. */
void verify__kept_partition(struct verify__run *run, uint16_t partition);

/* One row of a registration that was removed from: what was kept of it, or the row itself. */
CHEK_MUST_USE int verify__kept_row(struct verify__run *run, uint16_t partition,
                                   uint32_t registration, uint32_t ordinal);

/*
 * Compare what is kept of a registration's shifts with each other: reports, which stand in the closes
 * and the heap, with sums by hour, which stand in tables, and with the rows that are left.
 *
 *   Errors     of the machine
 */
CHEK_MUST_USE int verify__kept_totals(struct verify__run *run, uint16_t partition,
                                      uint32_t registration, struct chek_verify_partition *counts);

/* ---- verify_markings.c ------------------------------------------------------------------------- */

/* A partition begins; add one document, or those of run->rows; check that its marking tables have these codes.
 * Errors: -ENOMEM. */
void verify__markings_begin(struct verify__run *run);
void verify__markings_of(struct verify__run *run, uint32_t registration, uint32_t ordinal,
                         const struct chek_document *document);
void verify__markings_add(struct verify__run *run, uint32_t registration);
CHEK_MUST_USE int verify__markings_check(struct verify__run *run, uint16_t partition);

/* ---- verify_persons.c -------------------------------------------------------------------------- */

/* Read the folder's key, if it is there. Errors: -ENOMEM. */
CHEK_MUST_USE int verify__persons_open(struct verify__run *run);
void verify__persons_close(struct verify__run *run);

/* Note whom one document names, or those of run->rows. Errors: -ENOMEM. */
CHEK_MUST_USE int verify__persons_of(struct verify__run *run, uint32_t registration,
                                     uint32_t ordinal, const struct chek_document *document);
CHEK_MUST_USE int verify__persons_add(struct verify__run *run, uint32_t registration);

/* The documents of a partition are noted: check its table of persons, and begin anew. */
void verify__persons_check(struct verify__run *run, uint16_t partition);

/* ---- verify_totals.c --------------------------------------------------------------------------- */

/* Recompute X, every Z and every revision from run->rows, and compare. Errors: of the machine. */
CHEK_MUST_USE int verify__totals_check(struct verify__run *run, uint16_t partition,
                                       uint32_t registration, uint16_t currency,
                                       struct chek_verify_partition *counts);

#endif
