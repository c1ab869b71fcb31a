/* SPDX-License-Identifier: MIT */
/*
 * cold.h - sealed rows that are not in memory, and how they come back.
 *
 * The bytes of a segment stand in groups: the pages of 4,096 rows, of all columns; its hour table;
 * the pages of its marking table. A group of a segment that is in a file may leave memory and is read back when somebody
 * needs it. What is read is checked before it is looked at: its sums, and that every page of it
 * can be read at every place. Head, runs, directories and bits of replaced rows stay.
 *
 * There are two ways to read. A shard may not wait for a disk, so it *asks*: between
 * chek_store_ask_begin() and _end() whatever meets a cold group wishes for it, goes on as if there
 * were nothing in it, and returns COLD; what it then answered is void. A worker fetches what was
 * wished, and the question is run again. Whoever does not ask (a worker, a view, a start, the rare
 * command that nobody foresaw) waits: the group is read then and there.
 *
 * A group does not leave while somebody reads it: a shard lets groups go between its questions, by
 * chek_cold_choose(), and never while one is asked for which groups are being fetched.
 *
 *   Threads  as each function says
 */
#ifndef CHEK_STORE_COLD_H
#define CHEK_STORE_COLD_H

#include "engine/store/merge.h"

/* A segment's file: its number is that of chek_segments_number(). */
struct chek_segment_file {
    uint64_t number;
    uint16_t partition;
};

/* Where groups are read from, and who is told of damage. Both are called by any thread. */
struct chek_cold_reader {
    void *context;
    /* Read `size` bytes at `offset` of a segment. CORRUPT: there are not so many; or an error. */
    int (*read)(void *context, const struct chek_segment_file *file, uint64_t offset,
                uint8_t *bytes, size_t size);
    /* A group was found damaged for the first time. */
    void (*on_rotten)(void *context, const struct chek_segment_file *file, uint64_t offset);
};

/*
 * Say where the segments of a pool's stores are read from, and how many bytes of groups may be in
 * memory; 0 = as many as there are. Segments that are in no file stay, whatever the budget is.
 *
 *   Threads  before stores are made
 */
void chek_store_pool_cold(struct chek_store_pool *pool, const struct chek_cold_reader *reader,
                          uint64_t budget);

/* What the groups of a pool's stores come to. */
struct chek_residency {
    uint64_t budget;
    uint64_t resident_size, cold_size; /* bytes of groups */
    uint64_t read_count, read_size;    /* groups that were read from files, since the start */
    uint64_t left_count;               /* groups that left memory */
    uint64_t rotten_count;             /* groups that were found damaged */
};

struct chek_residency chek_store_pool_residency(const struct chek_store_pool *pool);

/* Groups of one store. */
#define CHEK_COLD_COUNT_MAX 64
struct chek_cold {
    uint32_t count;
    bool is_more; /* there were more of them than fit */
    bool waits;   /* of a view: nothing is wished for, all is read then and there */
    struct chek_cold_group {
        struct chek_segment *segment;
        uint32_t group;
    } groups[CHEK_COLD_COUNT_MAX];
    int error; /* of chek_cold_fetch(), or of reading a view; and where it was met */
    struct chek_segment_file file;
    uint64_t offset;
};

/*
 * From here to the end, reading the store wishes for cold groups instead of waiting for them;
 * `cold` is emptied. Without a wish what was read is right.
 *
 *   Threads  the owning shard
 */
void chek_store_ask_begin(struct chek_store *store, struct chek_cold *cold);
void chek_store_ask_end(struct chek_store *store);

/*
 * Read the groups that were wished for. The segments must be held: they are the store's.
 *
 *   Errors   in cold->error: CORRUPT, -errno, HALTED; groups before it are there
 *   Threads  a worker
 */
void chek_cold_fetch(void *cold);

/*
 * Choose groups that nobody asked for lately, of about `size` bytes together; they are as good as
 * cold from here on, and chek_cold_leave() gives their memory back. Looks at a bounded number.
 *
 *   Returns  whether there are any
 *   Threads  the owning shard, between questions
 */
bool chek_cold_choose(struct chek_store *store, uint64_t size, struct chek_cold *ret);
void chek_cold_leave(void *cold); /* Threads: a worker; the segments are held */

/*
 * The manifest names these segments of the store, as those of a partition: their groups may leave.
 * Cost: O(segments).
 *
 *   Threads  the owning shard
 */
void chek_store_segments_stored(struct chek_store *store, uint16_t partition,
                                const struct chek_segments *named);

/* ---- scrub ------------------------------------------------------------------------------------ */

/* Groups of a store that are compared with their sums in the file, whether they are in memory or
 * not; what is in memory stays as it is. */
struct chek_scrub {
    struct chek_cold groups;
    uint64_t size;    /* of them */
    bool is_end;      /* they are the store's last ones */
    uint8_t *scratch; /* `scratch_size`; taken when it is first wanted, chek_scrub_finish() */
    size_t scratch_size;
    struct chek_store_pool *pool;
};

/*
 * Choose the next groups of a store, of about `size` bytes; false: there is none. After the end the
 * next pass begins. What is merged meanwhile may be passed over until then.
 *
 *   Threads  the owning shard
 */
bool chek_scrub_choose(struct chek_store *store, uint64_t size, struct chek_scrub *scrub);

/*
 * Read and compare them. Who is damaged is told to the reader's on_rotten(), once.
 *
 *   Threads  a worker; the segments are held
 */
void chek_scrub_run(void *scrub);
void chek_scrub_finish(struct chek_scrub *scrub);

/* ---- files ------------------------------------------------------------------------------------ */

/*
 * Tell from the first CHEK_SEGMENT_HEAD_SIZE bytes of a segment how large its front is (head and
 * directories, without groups), and it as a whole. A store whose pool has a reader is loaded from
 * fronts as well as from whole segments.
 *
 *   Errors   CORRUPT, VERSION; outputs are unchanged
 */
#define CHEK_SEGMENT_HEAD_SIZE 56
CHEK_MUST_USE int chek_segment_front(struct chek_bytes_view bytes, uint64_t *ret_front_size,
                                     uint64_t *ret_size);

#endif
