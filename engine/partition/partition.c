/* SPDX-License-Identifier: MIT */
/*
 * partition.c - one command, one step of the state machine.
 *
 * What all kinds of commands share is here: the sequence, the time that never goes back, the
 * offsets of sources, the numbers of events, the reservation of memory before logging. What a
 * command means is fiscal's or the directory's.
 */
#include "engine/partition/partition.h"

#include <string.h>

#include "engine/base/assertion.h"
#include "engine/base/checksum.h"
#include "engine/base/memory.h"
#include "engine/base/planted.h"
#include "engine/partition/state.h"

_Static_assert(sizeof(struct partition__root) <= CHEK_PAGE_ROOT_SIZE_MAX, "format");

#define DECODE_ARENA_SIZE (16 * 1024 * 1024)  /* a document of 1,000 lines; touched when used */
#define SCRATCH_ARENA_SIZE (16 * 1024 * 1024) /* fiscal's own */

/* What is reserved at once, so that the reservation is not asked for every document. */
#define ENSURE_DOCUMENT_COUNT 64
#define ENSURE_TEXT_SIZE (16 * 1024)

#define SEAL_STEP_COUNT 16 /* different moments at which partitions begin to seal */

static void
on_fiscal_event(void *context, const struct chek_event *event)
{
    struct chek_partition *partition = context;
    struct partition__root *root = chek_page_heap_root_change(&partition->heap);
    root->event_seq += 1;
    if (partition->sink.on_event != NULL) {
        partition->sink.on_event(partition->sink.context, partition->number, root->event_seq,
                                 event);
    }
}

/*
 * Organisations are spread evenly over partitions, which would all fill their first segments at the
 * same time, and every later one. (format: a function of the partition's number alone)
 */
static uint32_t
segment_row_first(uint16_t number, uint32_t row_count)
{
    uint32_t steps = row_count < SEAL_STEP_COUNT ? 1 : SEAL_STEP_COUNT;
    uint32_t step = row_count / steps;
    return row_count - step * (number * UINT32_C(5) % steps);
}

/* Everything but heap and history, which are new or loaded. */
static int
partition_allocate(const struct chek_partition_config *config,
                   const struct chek_partition_sink *sink, struct chek_partition **ret)
{
    struct chek_partition *partition = chek_memory_allocate(sizeof *partition);
    if (partition == NULL) {
        return -ENOMEM;
    }
    partition->number = config->number;
    partition->page_count_max = config->page_count_max;
    uint32_t row_count =
        config->segment_row_count != 0 ? config->segment_row_count : CHEK_SEGMENT_RECEIPT_COUNT;
    partition->store_config = (struct chek_store_config){
        .pool = config->pool,
        .partition = config->number,
        .index_seed = config->index_seed,
        .dictionary_count_max = CHEK_DICTIONARY_COUNT_MAX,
        .dictionary_size_max = CHEK_DICTIONARY_SIZE_MAX,
        .segment_row_count = row_count,
        .segment_row_first = segment_row_first(config->number, row_count),
        .segment_merge_count = config->segment_merge_count,
    };
    partition->sink = sink != NULL ? *sink : (struct chek_partition_sink){0};
    partition->events = (struct chek_event_sink){partition, on_fiscal_event};
    int error = chek_arena_init(&partition->decode, DECODE_ARENA_SIZE);
    if (error == CHEK_OK) {
        error = chek_arena_init(&partition->scratch, SCRATCH_ARENA_SIZE);
    }
    if (error != CHEK_OK) {
        chek_partition_destroy(partition);
        return error;
    }
    *ret = partition;
    return CHEK_OK;
}

/* Tie fiscal to the parts it works on. */
static void
partition_wire(struct chek_partition *partition)
{
    partition->fiscal = (struct chek_fiscal){
        .heap = &partition->heap,
        .store = partition->store,
        .root_offset = offsetof(struct partition__root, fiscal),
        .scratch = &partition->scratch,
    };
}

int
chek_partition_create(const struct chek_partition_config *config,
                      const struct chek_partition_sink *sink, struct chek_partition **ret)
{
    struct chek_partition *partition;
    int error = partition_allocate(config, sink, &partition);
    if (error != CHEK_OK) {
        return error;
    }
    error = chek_page_heap_init(&partition->heap, config->page_count_max,
                                sizeof(struct partition__root));
    if (error == CHEK_OK && config->number == 0) {
        error = chek_directory_create(config->page_count_max, &partition->directory);
    } else if (error == CHEK_OK) {
        error = chek_store_create(&partition->store_config, &partition->store);
    }
    if (error != CHEK_OK) {
        chek_partition_destroy(partition);
        return error;
    }
    partition_wire(partition);
    *ret = partition;
    return CHEK_OK;
}

void
chek_partition_destroy(struct chek_partition *partition)
{
    if (partition == NULL) {
        return;
    }
    chek_partition_image_end(partition);
    chek_store_destroy(partition->store);
    chek_directory_destroy(partition->directory);
    if (partition->heap.base != NULL) {
        chek_page_heap_finish(&partition->heap);
    }
    chek_arena_finish(&partition->decode);
    chek_arena_finish(&partition->scratch);
    chek_memory_free(partition, sizeof *partition);
}

/* ---- reservation ------------------------------------------------------------------------------ */

/*
 * Commands that are logged and not applied yet share one reservation: what is pending is counted,
 * and what is ensured is kept at or above it.
 */
int
chek_partition_ensure(struct chek_partition *partition, size_t body_size)
{
    struct partition__claim *pending = &partition->pending;
    struct partition__claim next = {
        .document_count = pending->document_count + 1,
        .text_size = pending->text_size + body_size + PARTITION_COMMAND_TEXT_SIZE,
    };
    if (next.document_count > partition->ensured.document_count ||
        next.text_size > partition->ensured.text_size) {
        struct partition__claim more = {
            .document_count = next.document_count + ENSURE_DOCUMENT_COUNT,
            .text_size = next.text_size + ENSURE_TEXT_SIZE,
        };
        int error = CHEK_OK;
        if (partition->number == 0) {
            error = chek_directory_ensure(partition->directory, more.text_size);
        } else {
            error = chek_fiscal_ensure(&partition->fiscal, more.document_count, more.text_size);
        }
        if (error == CHEK_OK) {
            error = chek_page_heap_ensure(&partition->heap,
                                          more.document_count * PARTITION_SOURCE_SIZE);
        }
        if (error != CHEK_OK) {
            return error;
        }
        partition->ensured = more;
    }
    *pending = next;
    return CHEK_OK;
}

uint32_t
chek_partition_reserved(const struct chek_partition *partition)
{
    return partition->pending.document_count;
}

/* A command was applied: what was reserved for it is used or given back. */
static void
reservation_end(struct chek_partition *partition, size_t body_size)
{
    size_t size = body_size + PARTITION_COMMAND_TEXT_SIZE;
    CHEK_ASSERT(partition->pending.document_count > 0);
    CHEK_ASSERT(partition->pending.text_size >= size);
    partition->pending.document_count -= 1;
    partition->pending.text_size -= size;
    partition->ensured.document_count -= 1;
    partition->ensured.text_size -= size;
}

/* ---- apply ------------------------------------------------------------------------------------ */

static int
apply_document(struct chek_partition *partition, const struct chek_command *command,
               const struct chek_circumstance *circumstance, struct chek_outcome *ret)
{
    struct chek_document own;
    struct chek_fault fault;
    const struct chek_document *document = command->document;
    if (document == NULL) {
        int error = chek_document_decode_whole(command->body.bytes, command->body.size,
                                               &partition->decode, &own, &fault);
        if (error != CHEK_OK) {
            return CHEK_E_CORRUPT;
        }
        document = &own;
    }
    bool is_registered =
        chek_fiscal_apply(&partition->fiscal, command->envelope.registration, document,
                          circumstance, &partition->events, &ret->result);
    return is_registered ? CHEK_OK : CHEK_E_CORRUPT;
}

static int
apply_register(struct chek_partition *partition, const struct chek_command *command,
               const struct chek_circumstance *circumstance)
{
    struct chek_command_register what;
    struct chek_fault fault;
    int error = chek_command_register_decode_whole(command->body.bytes, command->body.size,
                                                   &partition->decode, &what, &fault);
    if (error != CHEK_OK) {
        return CHEK_E_CORRUPT;
    }
    chek_fiscal_register(&partition->fiscal, what.registration, what.profile, circumstance,
                         &partition->events);
    return CHEK_OK;
}

static int
apply_genesis(struct chek_partition *partition, const struct chek_command *command)
{
    struct chek_genesis genesis;
    struct chek_fault fault;
    int error = chek_genesis_decode_whole(command->body.bytes, command->body.size,
                                          &partition->decode, &genesis, &fault);
    if (error != CHEK_OK || command->envelope.partition_seq != 1) {
        return CHEK_E_CORRUPT;
    }
    struct partition__root *root = chek_page_heap_root_change(&partition->heap);
    root->sources.seed = genesis.map_seed;
    root->subjects.seed = genesis.map_seed;
    root->fiscal.registrations.seed = genesis.map_seed;
    root->fiscal.keys.seed = genesis.map_seed;
    if (partition->number == 0) {
        chek_directory_genesis(partition->directory, &genesis);
    }
    return CHEK_OK;
}

/* Whether this kind of command belongs in this partition. */
static bool
kind_fits(const struct chek_partition *partition, uint8_t kind)
{
    switch (kind) {
    case CHEK_COMMAND_GENESIS:
        return true;
    case CHEK_COMMAND_REGISTER:
    case CHEK_COMMAND_DOCUMENT:
    case CHEK_COMMAND_SUBJECT:
    case CHEK_COMMAND_DEVICE:
    case CHEK_COMMAND_EXCHANGE:
    case CHEK_COMMAND_OPERATOR:
    case CHEK_COMMAND_NOMENCLATURE:
    case CHEK_COMMAND_RETAIN:
    case CHEK_COMMAND_TRY:
    case CHEK_COMMAND_ERASE:
        return partition->number != 0;
    default:
        return partition->number == 0;
    }
}

static int
apply_kind(struct chek_partition *partition, const struct chek_command *command,
           struct chek_outcome *ret)
{
    struct chek_circumstance circumstance = {.received_us = command->envelope.time_us,
                                             .entropy = command->envelope.entropy};
    switch (command->envelope.kind) {
    case CHEK_COMMAND_GENESIS:
        return apply_genesis(partition, command);
    case CHEK_COMMAND_REGISTER:
        return apply_register(partition, command, &circumstance);
    case CHEK_COMMAND_DOCUMENT:
        return apply_document(partition, command, &circumstance, ret);
    case CHEK_COMMAND_SUBJECT:
        return partition__apply_subject(partition, command);
    case CHEK_COMMAND_DEVICE:
        return partition__apply_device(partition, command, ret);
    case CHEK_COMMAND_EXCHANGE:
        return partition__apply_exchange(partition, command, &circumstance, ret);
    case CHEK_COMMAND_OPERATOR:
        return partition__apply_operator(partition, command, ret);
    case CHEK_COMMAND_NOMENCLATURE:
        return partition__apply_nomenclature(partition, command, ret);
    case CHEK_COMMAND_RETAIN:
        return partition__apply_retain(partition, command);
    case CHEK_COMMAND_TRY:
        return partition__apply_try(partition, command);
    case CHEK_COMMAND_ERASE:
        return partition__apply_erase(partition, command, ret);
    default:
        chek_arena_reset(&partition->scratch);
        return chek_directory_apply(partition->directory, command, &partition->decode,
                                    &partition->scratch, ret);
    }
}

int
chek_partition_apply(struct chek_partition *partition, const struct chek_command *command,
                     struct chek_outcome *ret)
{
    const struct chek_envelope *envelope = &command->envelope;
    const struct partition__root *seen = chek_page_heap_root(&partition->heap);

    CHEK_ASSERT(envelope->partition == partition->number);
    if (envelope->partition_seq <= seen->seq) {
        return 1;
    }
    if (envelope->partition_seq != seen->seq + 1) {
        return CHEK_E_GAP;
    }
    if (!kind_fits(partition, envelope->kind) ||
        (seen->seq == 0) != (envelope->kind == CHEK_COMMAND_GENESIS)) {
        return CHEK_E_CORRUPT;
    }
    *ret = (struct chek_outcome){0};
    chek_arena_reset(&partition->decode);
    int error = apply_kind(partition, command, ret);
    if (error != CHEK_OK) {
        return error;
    }
    reservation_end(partition, command->body.size);
    struct partition__root *root = chek_page_heap_root_change(&partition->heap);
    root->seq = envelope->partition_seq;
    if (envelope->time_us > root->time_us) {
        root->time_us = envelope->time_us;
    }
    if (envelope->source_offset != 0) {
        partition__source_add(partition, envelope->source, envelope->source_offset);
    }
    return CHEK_OK;
}

/* ---- reading ---------------------------------------------------------------------------------- */

static const struct partition__root *
root_read(const struct chek_partition *partition)
{
    return chek_page_heap_root(&partition->heap);
}

uint64_t
chek_partition_seq(const struct chek_partition *partition)
{
    return root_read(partition)->seq;
}

uint64_t
chek_partition_event_seq(const struct chek_partition *partition)
{
    return root_read(partition)->event_seq;
}

uint64_t
chek_partition_time_us(const struct chek_partition *partition)
{
    return root_read(partition)->time_us;
}

uint64_t
chek_partition_hash(const struct chek_partition *partition)
{
    uint8_t bytes[16];
    chek_store_u64(bytes, chek_page_heap_hash(&partition->heap));
    chek_store_u64(bytes + 8, partition->number == 0 ? chek_directory_hash(partition->directory)
                                                     : chek_store_history_hash(partition->store));
    return chek_checksum(bytes, sizeof bytes);
}

uint64_t
chek_partition_heap_size(const struct chek_partition *partition)
{
    return chek_page_heap_pages(&partition->heap).size;
}

uint64_t
chek_partition_registration_count(const struct chek_partition *partition)
{
    return root_read(partition)->fiscal.registration_count;
}

const struct chek_fiscal *
chek_partition_fiscal(const struct chek_partition *partition)
{
    return partition->number != 0 ? &partition->fiscal : NULL;
}

const struct chek_directory *
chek_partition_directory(const struct chek_partition *partition)
{
    return partition->directory;
}

struct chek_store *
chek_partition_store(struct chek_partition *partition)
{
    return partition->store;
}

struct chek_chain_reach
chek_partition_chain_reach(const struct chek_partition *partition)
{
    if (partition->store == NULL) {
        return (struct chek_chain_reach){0};
    }
    const struct chek_chain *chain = chek_store_chain(partition->store);
    return (struct chek_chain_reach){
        .partition = partition->number,
        .ranges = chain->range_count,
        .rows = chain->row_count,
        .open = chek_store_count(partition->store).row_count - chain->row_count,
        .head = chek_bytes_view_of(chain->head, chain->range_count != 0 ? sizeof chain->head : 0),
    };
}

uint16_t
chek_partition_number(const struct chek_partition *partition)
{
    return partition->number;
}

/* ---- loading ----------------------------------------------------------------------------------- */

int
chek_partition_load(const struct chek_partition_config *config,
                    const struct chek_partition_sink *sink, struct chek_bytes_view image,
                    const struct chek_bytes_view *segments, uint32_t segment_count,
                    struct chek_partition **ret)
{
    struct chek_bytes_view pages;
    struct chek_bytes_view rest;
    struct chek_partition *partition;
    int error = partition__image_split(image, config->number, &pages, &rest);
    if (error != CHEK_OK) {
        return error;
    }
    error = partition_allocate(config, sink, &partition);
    if (error != CHEK_OK) {
        return error;
    }
    error = chek_page_heap_load(&partition->heap, config->page_count_max, pages);
    if (error == CHEK_OK &&
        chek_page_heap_root_size(&partition->heap) != sizeof(struct partition__root)) {
        error = CHEK_E_CORRUPT;
    }
    if (error == CHEK_OK && config->number == 0) {
        error = chek_directory_load(config->page_count_max, rest, &partition->directory);
    } else if (error == CHEK_OK) {
        if (CHEK_PLANTED(CHAIN_OF_ANOTHER)) {
            partition->store_config.partition += 1;
        }
        error = chek_store_load(&partition->store_config, rest, segments, segment_count,
                                &partition->store);
    }
    if (error != CHEK_OK) {
        chek_partition_destroy(partition);
        return error;
    }
    partition_wire(partition);
    if (CHEK_PLANTED(IDENTITY_FORGOTTEN) && config->number != 0) {
        chek_fiscal_forget(&partition->fiscal);
    }
    if (CHEK_PLANTED(EXCHANGE_FORGOTTEN)) {
        partition__devices_forget(partition);
    }
    if (CHEK_PLANTED(ORGANISATIONS_FORGOTTEN) && config->number != 0) {
        partition__organisations_forget(partition);
    }
    if (CHEK_PLANTED(ERASURES_FORGOTTEN) && config->number != 0) {
        partition__erasures_forget(partition);
    }
    *ret = partition;
    return CHEK_OK;
}
