/* SPDX-License-Identifier: MIT */
/*
 * verify_chain.c - the chain of a partition, computed again from its rows.
 *
 * The order is taken from the rows themselves, and how long a range is from the folder; where a row
 * lives says nothing. So the same chain comes from segments of any make, and a row that is another,
 * or one more or fewer, makes another head also under right sums.
 */
#include <errno.h>
#include <stdlib.h>

#include "engine/base/memory.h"
#include "engine/store/chain.h"
#include "engine/store/keep.h"
#include "tools/verify/verify_run.h"

#define PLACE_COUNT_FIRST 4096

/* ---- the rows ------------------------------------------------------------------------------- */

void
verify__chain_begin(struct verify__run *run)
{
    run->place_count = 0;
    run->has_all_places = true;
}

int
verify__chain_row(struct verify__run *run, const struct chek_row *row)
{
    if (run->place_count == run->place_capacity) {
        size_t capacity = run->place_capacity != 0 ? 2 * run->place_capacity : PLACE_COUNT_FIRST;
        struct verify__place *grown = chek_memory_grow(
            run->places, run->place_capacity * sizeof *grown, capacity * sizeof *grown);
        if (grown == NULL) {
            return -ENOMEM;
        }
        run->places = grown;
        run->place_capacity = capacity;
    }
    run->places[run->place_count++] = (struct verify__place){.received_us = row->received_us,
                                                             .registration = row->registration,
                                                             .ordinal = row->ordinal};
    return CHEK_OK;
}

void
verify__chain_end(struct verify__run *run)
{
    chek_memory_free(run->places, run->place_capacity * sizeof *run->places);
    chek_memory_free(run->anchors_met, (run->config.anchor_count + 1) * sizeof *run->anchors_met);
}

static int
place_compare(const void *first, const void *second)
{
    const struct verify__place *a = first;
    const struct verify__place *b = second;
    if (a->received_us != b->received_us) {
        return a->received_us < b->received_us ? -1 : 1;
    }
    if (a->registration != b->registration) {
        return a->registration < b->registration ? -1 : 1;
    }
    return (a->ordinal > b->ordinal) - (a->ordinal < b->ordinal);
}

/* Rows of one moment are of one command, so of one registration: else the order is not known. */
static void
order_check(struct verify__run *run, uint16_t partition)
{
    for (size_t i = 1; i < run->place_count; i++) {
        const struct verify__place *before = &run->places[i - 1];
        const struct verify__place *place = &run->places[i];
        if (before->received_us == place->received_us &&
            before->registration != place->registration) {
            verify__find(run, run->partitions[partition].image, VERIFY_NO_OFFSET, partition,
                         place->registration,
                         "row %u was received in the same moment as one of registration %u",
                         place->ordinal, before->registration);
        }
    }
}

/* ---- links ---------------------------------------------------------------------------------- */

/* Compute the next link. False: a row cannot be read, which was told before. */
static bool
link_compute(struct verify__run *run, uint16_t partition, struct chek_chain *chain,
             uint64_t kept_count, size_t count)
{
    const struct chek_store *store = chek_partition_store(run->partitions[partition].partition);
    struct chek_chain_link link;
    chek_chain_link_begin(&link, chain, partition, (uint32_t)count);
    for (size_t i = 0; i < count; i++) {
        const struct verify__place *place = &run->places[chain->row_count - kept_count + i];
        struct chek_row row;
        struct chek_document document;
        chek_arena_reset(&run->scratch);
        struct chek_writer out = chek_writer_over(run->bytes, CHEK_COMMAND_BODY_SIZE_MAX);
        if (chek_store_read(store, place->registration, place->ordinal, &run->scratch, &row,
                            &document) != CHEK_OK) {
            return false;
        }
        out.keep = UINT32_MAX; /* the chain is over the bytes that came */
        chek_document_encode(&out, &document);
        if (out.full) {
            return false;
        }
        chek_chain_link_add(&link, &row, chek_bytes_view_of(run->bytes, out.size));
    }
    *chain = chek_chain_link_end(&link);
    return true;
}

static void
head_text(const uint8_t head[CHEK_CHAIN_SIZE], char ret[2 * CHEK_CHAIN_SIZE + 1])
{
    for (size_t i = 0; i < CHEK_CHAIN_SIZE; i++) {
        (void)snprintf(ret + 2 * i, 3, "%02x", head[i]);
    }
}

/* Compare a head that is said somewhere with the one of as many rows. */
static void
head_compare(struct verify__run *run, uint16_t partition, const struct chek_chain *chain,
             const char *file, const char *who, const uint8_t said[CHEK_CHAIN_SIZE])
{
    char is[2 * CHEK_CHAIN_SIZE + 1], was[2 * CHEK_CHAIN_SIZE + 1];
    if (memcmp(chain->head, said, CHEK_CHAIN_SIZE) == 0) {
        return;
    }
    head_text(chain->head, is);
    head_text(said, was);
    verify__find(run, file, VERIFY_NO_OFFSET, partition, 0,
                 "the chain over the first %" PRIu64 " rows has the head %s, and %s %s: one of "
                 "them was changed, inserted or taken away",
                 chain->row_count, is, who, was);
}

static void
anchors_compare(struct verify__run *run, uint16_t partition, const struct chek_chain *chain)
{
    for (size_t i = 0; i < run->config.anchor_count; i++) {
        const struct chek_verify_anchor *anchor = &run->config.anchors[i];
        if (anchor->partition == partition && anchor->row_count == chain->row_count) {
            run->anchors_met[i] = true;
            head_compare(run, partition, chain, "", "noted was", anchor->head);
        }
    }
}

/* Heads over rows that were removed: only the last of these can still be compared. */
static void
anchors_pass(struct verify__run *run, uint16_t partition, const struct chek_chain *kept)
{
    anchors_compare(run, partition, kept);
    for (size_t i = 0; i < run->config.anchor_count; i++) {
        const struct chek_verify_anchor *anchor = &run->config.anchors[i];
        if (anchor->partition == partition && anchor->row_count < kept->row_count) {
            run->anchors_met[i] = true;
            verify__note(run, "",
                         "partition %u: a head over %" PRIu64 " rows was noted, and retention has "
                         "removed the first %" PRIu64 ": heads behind these still tell",
                         partition, anchor->row_count, kept->row_count);
        }
    }
}

/* What the folder itself says of so many rows: in the manifest, and in the image for the end of each
 * segment, where computing goes on once the documents before are removed. */
static void
said_compare(struct verify__run *run, uint16_t partition, const struct chek_chain *chain,
             uint32_t *segment)
{
    const struct verify__partition *from = &run->partitions[partition];
    const struct chek_store *store = chek_partition_store(from->partition);
    struct chek_chain end = chek_store_segment_chain(store, *segment);
    const struct chek_manifest_chain *said = chek_manifest_chain(&run->manifest, partition);
    if (said != NULL && said->row_count == chain->row_count) {
        char name[CHEK_VERIFY_FILE_SIZE];
        (void)snprintf(name, sizeof name, "manifest.%016" PRIx64, run->manifest.number);
        head_compare(run, partition, chain, name, "the manifest says", said->head);
    }
    if (end.row_count == chain->row_count) {
        head_compare(run, partition, chain, from->image, "the image says", end.head);
        *segment += 1;
    }
}

void
verify__chain_check(struct verify__run *run, uint16_t partition, struct chek_verify_partition *ret)
{
    const struct chek_store *store = chek_partition_store(run->partitions[partition].partition);
    /* What was removed is covered by the link at its end, from which the others follow. */
    struct chek_chain chain = chek_store_kept_chain(store);
    uint64_t kept_count = chain.row_count;
    uint32_t segment = chek_store_count(store).kept_count;
    if (run->place_count != 0) {
        qsort(run->places, run->place_count, sizeof *run->places, place_compare);
    }
    order_check(run, partition);
    if (kept_count != 0) {
        segment -= 1;
        said_compare(run, partition, &chain, &segment);
        anchors_pass(run, partition, &chain);
    }
    while (run->has_all_places &&
           chek_store_range_first(store, chain.range_count + 1) <= kept_count + run->place_count) {
        size_t count =
            chek_store_range_first(store, chain.range_count + 1) - (size_t)chain.row_count;
        if (!link_compute(run, partition, &chain, kept_count, count)) {
            break;
        }
        said_compare(run, partition, &chain, &segment);
        anchors_compare(run, partition, &chain);
    }
    const struct chek_manifest_chain *said = chek_manifest_chain(&run->manifest, partition);
    if (said != NULL && said->row_count > chain.row_count) {
        verify__find(run, run->partitions[partition].image, VERIFY_NO_OFFSET, partition, 0,
                     "the manifest says a chain over %" PRIu64 " rows, and it has %" PRIu64
                     " in full ranges",
                     said->row_count, chain.row_count);
    }
    ret->chain_range_count = chain.range_count;
    ret->chain_row_count = chain.row_count;
    ret->chain_stored_count = said != NULL ? said->row_count : 0;
    memcpy(ret->chain_head, chain.head, sizeof ret->chain_head);
}

/* ---- heads that were noted ------------------------------------------------------------------- */

int
verify__anchors_begin(struct verify__run *run)
{
    run->anchors_met =
        chek_memory_allocate((run->config.anchor_count + 1) * sizeof *run->anchors_met);
    return run->anchors_met != NULL ? CHEK_OK : -ENOMEM;
}

void
verify__anchors_check(struct verify__run *run)
{
    for (size_t i = 0; i < run->config.anchor_count; i++) {
        const struct chek_verify_anchor *anchor = &run->config.anchors[i];
        if (!run->anchors_met[i]) {
            verify__find(run, "", VERIFY_NO_OFFSET, anchor->partition, 0,
                         "a head over %" PRIu64 " rows was noted, and there is no such range: rows "
                         "are gone, or cannot be read, or it is of another folder",
                         anchor->row_count);
        }
    }
}
