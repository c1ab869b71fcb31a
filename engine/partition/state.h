/* SPDX-License-Identifier: MIT */
/*
 * state.h - a partition's root object and run-time parts, shared by the files of this room.
 */
#ifndef CHEK_PARTITION_STATE_H
#define CHEK_PARTITION_STATE_H

#include <errno.h>

#include "engine/base/checksum.h"
#include "engine/base/cursor.h"
#include "engine/base/writer.h"
#include "engine/partition/partition.h"

/* The root object of the heap. (format) */
struct partition__root {
    uint64_t seq;       /* last command applied */
    uint64_t time_us;   /* highest envelope time */
    uint64_t event_seq; /* last event made */
    uint64_t zero;
    struct chek_page_map sources;  /* source -> reference of struct partition__source */
    struct chek_page_map subjects; /* first half of a subject id -> struct partition__subject */
    struct chek_fiscal_root fiscal;
};

/* How far a source's stream has been applied here. (format) */
struct partition__source {
    uint64_t source;
    uint64_t offset;
};

/* A personal value, encrypted; the object goes on with `size` bytes. (format) */
struct partition__subject {
    uint8_t subject[16];
    uint32_t size;
    uint8_t zero[12];
};

/* A command is counted with this much beside its body: registration records, cells, close rows. */
#define PARTITION_COMMAND_TEXT_SIZE 256
#define PARTITION_SOURCE_SIZE 1024

/* Memory that commands on their way through the log may need, in what fiscal counts by. */
struct partition__claim {
    uint32_t document_count;
    size_t text_size;
};

struct partition__image;

struct chek_partition {
    struct chek_page_heap heap;
    struct chek_store *store;         /* not in partition 0 */
    struct chek_directory *directory; /* partition 0 only */
    struct chek_fiscal fiscal;
    struct chek_partition_sink sink;
    struct chek_event_sink events;
    struct chek_store_config store_config;
    struct chek_arena decode;  /* the body of the command being applied */
    struct chek_arena scratch; /* fiscal's */
    struct partition__claim pending, ensured;
    struct partition__image *image; /* being written in steps, or NULL */
    uint32_t page_count_max;
    uint16_t number;
};

/* The two parts of an image whose sums were checked. Errors: CORRUPT, VERSION. */
CHEK_MUST_USE int partition__image_split(struct chek_bytes_view image, uint16_t number,
                                         struct chek_bytes_view *ret_pages,
                                         struct chek_bytes_view *ret_rest);
void partition__source_add(struct chek_partition *partition, uint64_t source, uint64_t offset);
CHEK_MUST_USE int partition__apply_subject(struct chek_partition *partition,
                                           const struct chek_command *command);

#endif
