/* SPDX-License-Identifier: MIT */
/*
 * manifest.c - the manifest in memory, and its byte form.
 */
#include "persist/manifest.h"

#include <errno.h>

#include "engine/base/assertion.h"
#include "engine/base/checksum.h"
#include "engine/base/cursor.h"
#include "engine/base/limits.h"
#include "engine/base/workspace.h"
#include "engine/base/writer.h"

#define MAGIC UINT64_C(0x494e414d4b454843) /* "CHEKMANI" */
#define VERSION 1
#define HEAD_SIZE 64
#define ENTRY_SIZE 33 /* and the name */
#define LOG_SIZE 32
#define CHAIN_SIZE 52
#define SUM_SIZE 8

/* Flags of a log. */
#define LOG_ENDED 1
#define LOG_TORN 2

/* ---- in memory ----------------------------------------------------------------------------- */

void
chek_manifest_init(struct chek_manifest *manifest, struct chek_io *io, uint32_t partition_count)
{
    *manifest = (struct chek_manifest){.partition_count = partition_count};
    chek_io_random(io, manifest->folder_id, sizeof manifest->folder_id);
}

void
chek_manifest_finish(struct chek_manifest *manifest)
{
    chek_workspace_give(manifest->entries, manifest->entry_capacity * sizeof *manifest->entries);
    chek_workspace_give(manifest->logs, manifest->log_capacity * sizeof *manifest->logs);
    chek_workspace_give(manifest->chains, manifest->chain_capacity * sizeof *manifest->chains);
    *manifest = (struct chek_manifest){0};
}

/* Make room for one more element; NULL when there is no memory, `array` then stays valid. */
static void *
array_grow(void *array, size_t count, size_t *capacity, size_t size)
{
    if (count < *capacity) {
        return array;
    }
    size_t wanted = *capacity == 0 ? 16 : 2 * *capacity;
    void *grown = chek_workspace_grow(array, *capacity * size, wanted * size);
    if (grown != NULL) {
        *capacity = wanted;
    }
    return grown;
}

static size_t
entry_find(const struct chek_manifest *manifest, const char *name)
{
    size_t at = 0;
    while (at < manifest->entry_count && strcmp(manifest->entries[at].name, name) != 0) {
        at += 1;
    }
    return at;
}

int
chek_manifest_add_entry(struct chek_manifest *manifest, const struct chek_manifest_entry *entry)
{
    CHEK_ASSERT(memchr(entry->name, '\0', sizeof entry->name) != NULL);
    if (manifest->entry_count == CHEK_MANIFEST_ENTRY_COUNT_MAX) {
        return CHEK_E_LIMIT;
    }
    struct chek_manifest_entry *entries =
        array_grow(manifest->entries, manifest->entry_count, &manifest->entry_capacity,
                   sizeof *manifest->entries);
    if (entries == NULL) {
        return -ENOMEM;
    }
    manifest->entries = entries;
    entries[manifest->entry_count++] = *entry;
    return CHEK_OK;
}

int
chek_manifest_set_entry(struct chek_manifest *manifest, const struct chek_manifest_entry *entry)
{
    size_t at = entry_find(manifest, entry->name);
    if (at == manifest->entry_count) {
        return chek_manifest_add_entry(manifest, entry);
    }
    manifest->entries[at] = *entry;
    return CHEK_OK;
}

bool
chek_manifest_drop_entry(struct chek_manifest *manifest, const char *name)
{
    size_t at = entry_find(manifest, name);
    if (at == manifest->entry_count) {
        return false;
    }
    manifest->entry_count -= 1;
    memmove(&manifest->entries[at], &manifest->entries[at + 1],
            (manifest->entry_count - at) * sizeof *manifest->entries);
    return true;
}

int
chek_manifest_set_log(struct chek_manifest *manifest, const struct chek_log_known *known)
{
    CHEK_ASSERT(known->file_first != 0 && known->stream <= UINT16_MAX);
    CHEK_ASSERT(known->ended ? known->lsn_end >= known->lsn_first : !known->torn);

    for (size_t i = 0; i < manifest->log_count; i++) {
        struct chek_log_known *log = &manifest->logs[i];
        if (log->generation == known->generation && log->stream == known->stream) {
            *log = *known;
            return CHEK_OK;
        }
    }
    if (manifest->log_count == CHEK_MANIFEST_LOG_COUNT_MAX) {
        return CHEK_E_LIMIT;
    }
    struct chek_log_known *logs = array_grow(manifest->logs, manifest->log_count,
                                             &manifest->log_capacity, sizeof *manifest->logs);
    if (logs == NULL) {
        return -ENOMEM;
    }
    manifest->logs = logs;
    logs[manifest->log_count++] = *known;
    return CHEK_OK;
}

const struct chek_manifest_chain *
chek_manifest_chain(const struct chek_manifest *manifest, uint32_t partition)
{
    for (size_t i = 0; i < manifest->chain_count; i++) {
        if (manifest->chains[i].partition == partition) {
            return &manifest->chains[i];
        }
    }
    return NULL;
}

int
chek_manifest_set_chain(struct chek_manifest *manifest, const struct chek_manifest_chain *chain)
{
    CHEK_ASSERT(chain->range_count != 0 && chain->row_count >= chain->range_count);
    for (size_t i = 0; i < manifest->chain_count; i++) {
        if (manifest->chains[i].partition == chain->partition) {
            manifest->chains[i] = *chain;
            return CHEK_OK;
        }
    }
    if (manifest->chain_count == CHEK_PARTITION_COUNT_MAX) {
        return CHEK_E_LIMIT;
    }
    struct chek_manifest_chain *chains =
        array_grow(manifest->chains, manifest->chain_count, &manifest->chain_capacity,
                   sizeof *manifest->chains);
    if (chains == NULL) {
        return -ENOMEM;
    }
    manifest->chains = chains;
    chains[manifest->chain_count++] = *chain;
    return CHEK_OK;
}

void
chek_manifest_drop_logs_before(struct chek_manifest *manifest, uint64_t generation)
{
    size_t kept = 0;
    for (size_t i = 0; i < manifest->log_count; i++) {
        if (manifest->logs[i].generation >= generation) {
            manifest->logs[kept++] = manifest->logs[i];
        }
    }
    manifest->log_count = kept;
}

int
chek_manifest_begin_run(struct chek_manifest *manifest, const struct chek_log_known *ends,
                        size_t end_count, uint64_t generation_last, uint32_t stream_count)
{
    CHEK_ASSERT(generation_last >= manifest->generation && generation_last < UINT64_MAX);

    int error = CHEK_OK;
    manifest->log_count = 0; /* a stream that was listed and did not end never began */
    for (size_t i = 0; i < end_count && error == CHEK_OK; i++) {
        if (ends[i].lsn_end != ends[i].lsn_first) {
            error = chek_manifest_set_log(manifest, &ends[i]);
        }
    }
    manifest->generation = generation_last + 1;
    for (uint32_t i = 0; i < stream_count && error == CHEK_OK; i++) {
        const struct chek_log_known begun = {
            .generation = manifest->generation, .stream = i, .file_first = 1};
        error = chek_manifest_set_log(manifest, &begun);
    }
    return error;
}

/* ---- head ---------------------------------------------------------------------------------- */

/*
 *   0  u64  magic "CHEKMANI"         40  u64  generation
 *   8  u32  version, 1               48  u32  partitions
 *  12  u32  size of the record       52  u32  entries
 *  16  u64  number                   56  u32  logs
 *  24  u64  folder id, low half      60  u32  chains
 *  32  u64  folder id, high half     64       entries, logs, chains, then u64 sum
 */
size_t
chek_manifest_size(const struct chek_manifest *manifest)
{
    size_t size =
        HEAD_SIZE + SUM_SIZE + manifest->log_count * LOG_SIZE + manifest->chain_count * CHAIN_SIZE;
    for (size_t i = 0; i < manifest->entry_count; i++) {
        size += ENTRY_SIZE + strlen(manifest->entries[i].name);
    }
    return size;
}

static void
head_encode(struct chek_writer *out, const struct chek_manifest *manifest, uint32_t size)
{
    chek_writer_u64(out, MAGIC);
    chek_writer_u32(out, VERSION);
    chek_writer_u32(out, size);
    chek_writer_u64(out, manifest->number);
    chek_writer_u64(out, manifest->folder_id[0]);
    chek_writer_u64(out, manifest->folder_id[1]);
    chek_writer_u64(out, manifest->generation);
    chek_writer_u32(out, manifest->partition_count);
    chek_writer_u32(out, (uint32_t)manifest->entry_count);
    chek_writer_u32(out, (uint32_t)manifest->log_count);
    chek_writer_u32(out, (uint32_t)manifest->chain_count);
    CHEK_ASSERT(out->size == HEAD_SIZE);
}

/*
 * Check what is the same in every version (magic, version, size, number, the sum at the end), so
 * that a later version is told apart from damage. Leaves the cursor over the record without its
 * sum, behind the number.
 */
static int
envelope_check(const uint8_t *bytes, size_t size, uint64_t number, struct chek_cursor *ret)
{
    struct chek_cursor in = chek_cursor_over(bytes, size);
    uint64_t magic = chek_cursor_u64(&in);
    uint32_t version = chek_cursor_u32(&in);
    uint32_t record_size = chek_cursor_u32(&in);
    uint64_t number_read = chek_cursor_u64(&in);

    if (in.error != CHEK_OK || magic != MAGIC || record_size < HEAD_SIZE + SUM_SIZE ||
        record_size > size || number_read != number) {
        return CHEK_E_CORRUPT;
    }
    struct chek_cursor sum = chek_cursor_over(bytes, record_size);
    (void)chek_cursor_take(&sum, record_size - SUM_SIZE);
    if (chek_cursor_u64(&sum) != chek_checksum_seeded(bytes, record_size - SUM_SIZE, number)) {
        return CHEK_E_CORRUPT;
    }
    for (size_t i = record_size; i < size; i++) {
        if (bytes[i] != 0) {
            return CHEK_E_CORRUPT;
        }
    }
    in.size = record_size - SUM_SIZE;
    *ret = in;
    return version == VERSION ? CHEK_OK : CHEK_E_VERSION;
}

/* ---- entry --------------------------------------------------------------------------------- */

/*
 *   0  u32  kind                     16  u64  size
 *   4  u32  partition                24  u64  sum
 *   8  u64  seq                      32  u8   size of the name, 1..63; then the name
 */
static void
entry_encode(struct chek_writer *out, const struct chek_manifest_entry *entry)
{
    size_t name_size = strlen(entry->name);
    chek_writer_u32(out, entry->kind);
    chek_writer_u32(out, entry->partition);
    chek_writer_u64(out, entry->seq);
    chek_writer_u64(out, entry->size);
    chek_writer_u64(out, entry->sum);
    chek_writer_u8(out, (uint8_t)name_size);
    chek_writer_bytes(out, entry->name, name_size);
}

/* A name is a path inside the data folder: small letters, digits, '-', '_', '/', and '.' alone. */
static bool
name_is_valid(struct chek_bytes_view name)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyz0123456789-_./";
    if (name.size == 0 || name.size >= CHEK_MANIFEST_NAME_SIZE || name.bytes[0] == '/') {
        return false;
    }
    for (size_t i = 0; i < name.size; i++) {
        if (memchr(allowed, name.bytes[i], sizeof allowed - 1) == NULL ||
            (i > 0 && name.bytes[i] == '.' && name.bytes[i - 1] == '.')) {
            return false;
        }
    }
    return true;
}

static int
entry_decode(struct chek_cursor *in, struct chek_manifest *manifest)
{
    struct chek_manifest_entry entry = {0};
    entry.kind = chek_cursor_u32(in);
    entry.partition = chek_cursor_u32(in);
    entry.seq = chek_cursor_u64(in);
    entry.size = chek_cursor_u64(in);
    entry.sum = chek_cursor_u64(in);
    uint8_t name_size = chek_cursor_u8(in);
    struct chek_bytes_view name = chek_cursor_view(in, name_size);
    if (in->error != CHEK_OK || !name_is_valid(name)) {
        return CHEK_E_CORRUPT;
    }
    memcpy(entry.name, name.bytes, name.size);
    return chek_manifest_add_entry(manifest, &entry);
}

/* ---- log ----------------------------------------------------------------------------------- */

/*
 *   0  u64  generation               16  u64  LSN of the first file's first byte
 *   8  u16  stream                   24  u64  LSN of the end; 0 unless ended
 *  10  u16  flags                    32
 *  12  u32  number of the first file
 */
static void
log_encode(struct chek_writer *out, const struct chek_log_known *log)
{
    unsigned flags = (log->ended ? LOG_ENDED : 0) | (log->torn ? LOG_TORN : 0);
    chek_writer_u64(out, log->generation);
    chek_writer_u16(out, (uint16_t)log->stream);
    chek_writer_u16(out, (uint16_t)flags);
    chek_writer_u32(out, log->file_first);
    chek_writer_u64(out, log->lsn_first);
    chek_writer_u64(out, log->ended ? log->lsn_end : 0);
}

static int
log_decode(struct chek_cursor *in, struct chek_manifest *manifest)
{
    struct chek_log_known log = {0};
    log.generation = chek_cursor_u64(in);
    log.stream = chek_cursor_u16(in);
    uint16_t flags = chek_cursor_u16(in);
    log.file_first = chek_cursor_u32(in);
    log.lsn_first = chek_cursor_u64(in);
    log.lsn_end = chek_cursor_u64(in);
    log.ended = (flags & LOG_ENDED) != 0;
    log.torn = (flags & LOG_TORN) != 0;
    if (in->error != CHEK_OK || (flags & ~(LOG_ENDED | LOG_TORN)) != 0 || log.file_first == 0 ||
        log.generation == 0 || log.generation > manifest->generation ||
        (log.ended ? log.lsn_end < log.lsn_first : log.lsn_end != 0 || log.torn)) {
        return CHEK_E_CORRUPT;
    }
    size_t count = manifest->log_count;
    int error = chek_manifest_set_log(manifest, &log);
    return error == CHEK_OK && manifest->log_count == count ? CHEK_E_CORRUPT : error; /* twice */
}

/* ---- chain --------------------------------------------------------------------------------- */

/*
 *   0  u32  partition                12  u64  rows
 *   4  u64  ranges                   20       head
 */
static void
chain_encode(struct chek_writer *out, const struct chek_manifest_chain *chain)
{
    chek_writer_u32(out, chain->partition);
    chek_writer_u64(out, chain->range_count);
    chek_writer_u64(out, chain->row_count);
    chek_writer_bytes(out, chain->head, sizeof chain->head);
}

static int
chain_decode(struct chek_cursor *in, struct chek_manifest *manifest)
{
    struct chek_manifest_chain chain = {0};
    chain.partition = chek_cursor_u32(in);
    chain.range_count = chek_cursor_u64(in);
    chain.row_count = chek_cursor_u64(in);
    struct chek_bytes_view head = chek_cursor_view(in, sizeof chain.head);
    if (in->error != CHEK_OK || chain.partition == 0 ||
        chain.partition > manifest->partition_count || chain.range_count == 0 ||
        chain.row_count < chain.range_count ||
        chek_manifest_chain(manifest, chain.partition) != NULL) {
        return CHEK_E_CORRUPT;
    }
    memcpy(chain.head, head.bytes, sizeof chain.head);
    return chek_manifest_set_chain(manifest, &chain);
}

/* ---- whole --------------------------------------------------------------------------------- */

void
chek_manifest_encode(const struct chek_manifest *manifest, uint8_t *ret)
{
    const size_t size = chek_manifest_size(manifest);
    struct chek_writer out = chek_writer_over(ret, size);

    CHEK_ASSERT(size <= UINT32_MAX);
    head_encode(&out, manifest, (uint32_t)size);
    for (size_t i = 0; i < manifest->entry_count; i++) {
        entry_encode(&out, &manifest->entries[i]);
    }
    for (size_t i = 0; i < manifest->log_count; i++) {
        log_encode(&out, &manifest->logs[i]);
    }
    for (size_t i = 0; i < manifest->chain_count; i++) {
        chain_encode(&out, &manifest->chains[i]);
    }
    chek_writer_u64(&out, chek_checksum_seeded(ret, out.size, manifest->number));
    CHEK_ASSERT(!out.full && out.size == size);
}

/* Decode what follows the envelope into an empty manifest. */
static int
body_decode(struct chek_cursor *in, struct chek_manifest *manifest)
{
    manifest->folder_id[0] = chek_cursor_u64(in);
    manifest->folder_id[1] = chek_cursor_u64(in);
    manifest->generation = chek_cursor_u64(in);
    manifest->partition_count = chek_cursor_u32(in);
    uint32_t entry_count = chek_cursor_u32(in);
    uint32_t log_count = chek_cursor_u32(in);
    uint32_t chain_count = chek_cursor_u32(in);
    if (in->error != CHEK_OK || entry_count > CHEK_MANIFEST_ENTRY_COUNT_MAX ||
        log_count > CHEK_MANIFEST_LOG_COUNT_MAX || manifest->partition_count == 0 ||
        manifest->partition_count > CHEK_PARTITION_COUNT_MAX ||
        chain_count > manifest->partition_count) {
        return CHEK_E_CORRUPT;
    }
    int error = CHEK_OK;
    for (uint32_t i = 0; i < entry_count && error == CHEK_OK; i++) {
        error = entry_decode(in, manifest);
    }
    for (uint32_t i = 0; i < log_count && error == CHEK_OK; i++) {
        error = log_decode(in, manifest);
    }
    for (uint32_t i = 0; i < chain_count && error == CHEK_OK; i++) {
        error = chain_decode(in, manifest);
    }
    return error == CHEK_OK && chek_cursor_left(in) != 0 ? CHEK_E_CORRUPT : error;
}

int
chek_manifest_decode(const uint8_t *bytes, size_t size, uint64_t number, struct chek_manifest *ret)
{
    struct chek_cursor in;
    int error = envelope_check(bytes, size, number, &in);
    if (error != CHEK_OK) {
        return error;
    }
    struct chek_manifest manifest = {.number = number};
    error = body_decode(&in, &manifest);
    if (error != CHEK_OK) {
        chek_manifest_finish(&manifest);
        return error;
    }
    *ret = manifest;
    return CHEK_OK;
}
