/* SPDX-License-Identifier: MIT */
/*
 * log_format.c - encode and decode the records of the log.
 *
 * A sum is seeded with the place of its sector, so a block that a device put somewhere else, or
 * that was copied from another file, run or folder, misses its sums although its bytes are whole.
 */
#include "persist/log_format.h"

#include <stdio.h>

#include "engine/base/assertion.h"
#include "engine/base/checksum.h"
#include "engine/base/writer.h"

/* ---- names --------------------------------------------------------------------------------- */

#define NAME_DIGITS "0123456789abcdef"

void
persist__log_name(char name[LOG_NAME_SIZE], const struct log_place *place)
{
    int size;
    if (place->file == 0) {
        size = snprintf(name, LOG_NAME_SIZE, CHEK_LOG_FOLDER "/%016llx-%04x.mark",
                        (unsigned long long)place->generation, place->stream);
    } else {
        size = snprintf(name, LOG_NAME_SIZE, CHEK_LOG_FOLDER "/%016llx-%04x-%08x.log",
                        (unsigned long long)place->generation, place->stream, place->file);
    }
    CHEK_ASSERT(size > 0 && size < LOG_NAME_SIZE);
}

/* Read exactly `digit_count` lower-case hexadecimal digits and step over them. */
static bool
name_number(const char **text, size_t digit_count, uint64_t *ret)
{
    uint64_t value = 0;
    for (size_t i = 0; i < digit_count; i++) {
        const char *digit = **text != '\0' ? strchr(NAME_DIGITS, **text) : NULL;
        if (digit == NULL) {
            return false;
        }
        value = value << 4 | (uint64_t)(digit - NAME_DIGITS);
        *text += 1;
    }
    *ret = value;
    return true;
}

bool
persist__log_name_parse(const char *name, struct log_place *ret)
{
    uint64_t generation, stream, file;
    if (!name_number(&name, 16, &generation) || *name++ != '-' || !name_number(&name, 4, &stream)) {
        return false;
    }
    if (strcmp(name, ".mark") == 0) {
        file = 0;
    } else if (*name++ != '-' || !name_number(&name, 8, &file) || file == 0 ||
               strcmp(name, ".log") != 0) {
        return false;
    }
    ret->generation = generation;
    ret->stream = (uint32_t)stream;
    ret->file = (uint32_t)file;
    return true;
}

/* ---- sums ---------------------------------------------------------------------------------- */

uint64_t
persist__log_file_seed(const struct log_place *place)
{
    uint8_t bytes[32];
    struct chek_writer out = chek_writer_over(bytes, sizeof bytes);

    chek_writer_u64(&out, place->folder_id[0]);
    chek_writer_u64(&out, place->folder_id[1]);
    chek_writer_u64(&out, place->generation);
    chek_writer_u32(&out, place->stream);
    chek_writer_u32(&out, place->file);
    CHEK_ASSERT(!out.full && out.size == sizeof bytes);
    return chek_checksum(bytes, sizeof bytes);
}

static uint64_t
sector_seed(uint64_t file_seed, uint32_t block, uint32_t sector)
{
    return file_seed + (uint64_t)block * LOG_SECTOR_COUNT + sector;
}

static uint64_t
sector_sum(const uint8_t *sector, uint64_t file_seed, uint32_t block, uint32_t index)
{
    return chek_checksum_seeded(sector, CHEK_SECTOR_SIZE, sector_seed(file_seed, block, index));
}

bool
persist__log_sector_matches(const uint8_t *block, uint64_t file_seed, const struct log_head *head,
                            uint32_t index)
{
    CHEK_ASSERT(index >= 1 && index < LOG_SECTOR_COUNT);
    return sector_sum(block + (size_t)index * CHEK_SECTOR_SIZE, file_seed, head->block, index) ==
           head->sums[index];
}

bool
persist__log_is_zero(const uint8_t *bytes, size_t size)
{
    /* Overlapping compare: equal to its own neighbour all along, and the first byte is zero. */
    return size == 0 || (bytes[0] == 0 && memcmp(bytes, bytes + 1, size - 1) == 0);
}

/* ---- block --------------------------------------------------------------------------------- */

/*
 *   0  u32  magic "CKLG"             40  u64  durable LSN
 *   4  u16  version, 1               48  u16  stream
 *   6  u16  flags                    50  u16  payload size
 *   8  u64  folder id, low half      52  u32  file number
 *  16  u64  folder id, high half     56  u32  block number
 *  24  u64  generation               60  u32  blocks of the file
 *  32  u64  LSN                      64  u64  sums of the eight sectors
 */
#define MAGIC UINT32_C(0x474c4b43)
#define SUMS_AT 64

void
persist__log_block_encode(uint8_t block[CHEK_BLOCK_SIZE], const struct log_place *place,
                          uint64_t file_seed, const struct log_head *head, const uint8_t *payload)
{
    CHEK_ASSERT(head->payload_size <= LOG_PAYLOAD_SIZE);
    CHEK_ASSERT(head->durable_lsn <= head->lsn);
    CHEK_ASSERT(head->block < head->file_block_count);
    CHEK_ASSERT(place->stream <= UINT16_MAX && place->file != 0);

    struct chek_writer out = chek_writer_over(block, CHEK_BLOCK_SIZE);
    chek_writer_u32(&out, MAGIC);
    chek_writer_u16(&out, LOG_VERSION);
    chek_writer_u16(&out, head->flags);
    chek_writer_u64(&out, place->folder_id[0]);
    chek_writer_u64(&out, place->folder_id[1]);
    chek_writer_u64(&out, place->generation);
    chek_writer_u64(&out, head->lsn);
    chek_writer_u64(&out, head->durable_lsn);
    chek_writer_u16(&out, (uint16_t)place->stream);
    chek_writer_u16(&out, head->payload_size);
    chek_writer_u32(&out, place->file);
    chek_writer_u32(&out, head->block);
    chek_writer_u32(&out, head->file_block_count);
    CHEK_ASSERT(!out.full && out.size == SUMS_AT);

    if (head->payload_size != 0) {
        memcpy(block + LOG_HEAD_SIZE, payload, head->payload_size);
    }
    memset(block + LOG_HEAD_SIZE + head->payload_size, 0,
           (size_t)(LOG_PAYLOAD_SIZE - head->payload_size));
    for (uint32_t i = 1; i < LOG_SECTOR_COUNT; i++) {
        chek_store_u64(block + SUMS_AT + (size_t)i * 8,
                       sector_sum(block + (size_t)i * CHEK_SECTOR_SIZE, file_seed, head->block, i));
    }
    chek_store_u64(block + SUMS_AT, 0); /* the first sum covers itself as zero */
    chek_store_u64(block + SUMS_AT, sector_sum(block, file_seed, head->block, 0));
}

/* Whether a sector with its own sum at `sum_at` is what was written at this place. */
static bool
head_sum_matches(const uint8_t *sector, size_t sum_at, uint64_t file_seed, uint32_t block)
{
    uint8_t copy[CHEK_SECTOR_SIZE];
    memcpy(copy, sector, sizeof copy);
    chek_store_u64(copy + sum_at, 0);
    return sector_sum(copy, file_seed, block, 0) == chek_load_u64(sector + sum_at);
}

/*
 * Say why a first sector is not acceptable, or CHEK_OK. Magic, version, folder id and the place
 * of the sum are the same in every version, so that a later version and a foreign folder are
 * told apart from damage: a later or a foreign block is right where it stands, a damaged one is not.
 */
static int
head_check(const uint8_t *sector, size_t sum_at, uint32_t magic, const struct log_place *place,
           uint32_t block)
{
    if (chek_load_u32(sector) != magic) {
        return CHEK_E_CORRUPT;
    }
    struct log_place claimed = *place;
    claimed.folder_id[0] = chek_load_u64(sector + 8);
    claimed.folder_id[1] = chek_load_u64(sector + 16);
    if (!head_sum_matches(sector, sum_at, persist__log_file_seed(&claimed), block)) {
        return CHEK_E_CORRUPT;
    }
    if (claimed.folder_id[0] != place->folder_id[0] ||
        claimed.folder_id[1] != place->folder_id[1]) {
        return CHEK_E_FOREIGN;
    }
    return chek_load_u16(sector + 4) == LOG_VERSION ? CHEK_OK : CHEK_E_VERSION;
}

int
persist__log_head_decode(const uint8_t sector[CHEK_SECTOR_SIZE], const struct log_place *place,
                         uint32_t block, struct log_head *ret)
{
    int error = head_check(sector, SUMS_AT, MAGIC, place, block);
    if (error != CHEK_OK) {
        return error;
    }
    struct chek_cursor in = chek_cursor_over(sector, LOG_HEAD_SIZE);
    struct log_head head;
    (void)chek_cursor_take(&in, 6); /* magic and version */
    head.flags = chek_cursor_u16(&in);
    (void)chek_cursor_take(&in, 16); /* folder id */
    uint64_t generation = chek_cursor_u64(&in);
    head.lsn = chek_cursor_u64(&in);
    head.durable_lsn = chek_cursor_u64(&in);
    uint16_t stream = chek_cursor_u16(&in);
    head.payload_size = chek_cursor_u16(&in);
    uint32_t file = chek_cursor_u32(&in);
    head.block = chek_cursor_u32(&in);
    head.file_block_count = chek_cursor_u32(&in);
    for (uint32_t i = 0; i < LOG_SECTOR_COUNT; i++) {
        head.sums[i] = chek_cursor_u64(&in);
    }
    CHEK_ASSERT(in.error == CHEK_OK && chek_cursor_left(&in) == 0);

    bool is_idle = (head.flags & LOG_FLAG_IDLE) != 0;
    if (generation != place->generation || stream != place->stream || file != place->file ||
        head.block != block || (head.flags & ~LOG_FLAGS_ALL) != 0 ||
        head.payload_size > LOG_PAYLOAD_SIZE || head.durable_lsn > head.lsn ||
        head.lsn > UINT64_MAX - head.payload_size || is_idle != (head.payload_size == 0) ||
        (is_idle && (head.flags != LOG_FLAGS_ALL || head.durable_lsn != head.lsn))) {
        return CHEK_E_CORRUPT;
    }
    *ret = head;
    return CHEK_OK;
}

/* ---- command ------------------------------------------------------------------------------- */

/*
 *   0  u32  size, not 0
 *   4  u32  low half of XXH3-64 of the bytes, seeded with the LSN of this head
 *   8       the bytes
 */
void
persist__log_command_encode(uint8_t *at, size_t size, uint64_t lsn)
{
    CHEK_ASSERT(size > 0 && size <= CHEK_LOG_COMMAND_SIZE_MAX);
    chek_store_u32(at, (uint32_t)size);
    chek_store_u32(at + 4,
                   (uint32_t)chek_checksum_seeded(at + CHEK_LOG_COMMAND_OVERHEAD, size, lsn));
}

struct chek_bytes_view
persist__log_command_take(struct chek_cursor *in, uint64_t lsn)
{
    struct chek_cursor next = *in;
    uint32_t size = chek_cursor_u32(&next);
    uint32_t sum = chek_cursor_u32(&next);
    if (next.error == CHEK_OK && (size == 0 || size > CHEK_LOG_COMMAND_SIZE_MAX)) {
        chek_cursor_fail(in, CHEK_E_RANGE);
        return chek_bytes_view_of(NULL, 0);
    }
    struct chek_bytes_view command = chek_cursor_view(&next, size);
    if (next.error != CHEK_OK) {
        chek_cursor_fail(in, next.error);
        return command;
    }
    if ((uint32_t)chek_checksum_seeded(command.bytes, command.size, lsn) != sum) {
        chek_cursor_fail(in, CHEK_E_CHECKSUM);
        return chek_bytes_view_of(NULL, 0);
    }
    *in = next;
    return command;
}

/* ---- watermark ----------------------------------------------------------------------------- */

/*
 *   0  u32  magic "CKWM"             32  u64  durable LSN
 *   4  u16  version, 1               40  u32  stream
 *   6  u16  0                        44  u32  copy, 0 or 1
 *   8  u64  folder id, low half      48  u64  sum of the first sector
 *  16  u64  folder id, high half     56       zeros to the end of the block
 *  24  u64  generation
 */
#define WATERMARK_MAGIC UINT32_C(0x4d574b43)
#define WATERMARK_SUM_AT 48
#define WATERMARK_SIZE 56

void
persist__log_watermark_encode(uint8_t block[CHEK_BLOCK_SIZE], const struct log_place *place,
                              uint32_t copy, uint64_t durable_lsn)
{
    CHEK_ASSERT(place->file == 0 && copy < LOG_WATERMARK_COPY_COUNT);

    memset(block, 0, CHEK_BLOCK_SIZE);
    struct chek_writer out = chek_writer_over(block, CHEK_BLOCK_SIZE);
    chek_writer_u32(&out, WATERMARK_MAGIC);
    chek_writer_u16(&out, LOG_VERSION);
    chek_writer_u16(&out, 0);
    chek_writer_u64(&out, place->folder_id[0]);
    chek_writer_u64(&out, place->folder_id[1]);
    chek_writer_u64(&out, place->generation);
    chek_writer_u64(&out, durable_lsn);
    chek_writer_u32(&out, place->stream);
    chek_writer_u32(&out, copy);
    CHEK_ASSERT(!out.full && out.size == WATERMARK_SUM_AT);
    chek_store_u64(block + WATERMARK_SUM_AT,
                   sector_sum(block, persist__log_file_seed(place), copy, 0));
}

int
persist__log_watermark_decode(const uint8_t block[CHEK_BLOCK_SIZE], const struct log_place *place,
                              uint32_t copy, uint64_t *ret_lsn)
{
    if (persist__log_is_zero(block, CHEK_BLOCK_SIZE)) {
        *ret_lsn = 0;
        return CHEK_OK;
    }
    int error = head_check(block, WATERMARK_SUM_AT, WATERMARK_MAGIC, place, copy);
    if (error != CHEK_OK) {
        return error;
    }
    struct chek_cursor in = chek_cursor_over(block, WATERMARK_SIZE);
    (void)chek_cursor_take(&in, 6); /* magic and version */
    uint16_t reserved = chek_cursor_u16(&in);
    (void)chek_cursor_take(&in, 16); /* folder id */
    uint64_t generation = chek_cursor_u64(&in);
    uint64_t lsn = chek_cursor_u64(&in);
    uint32_t stream = chek_cursor_u32(&in);
    uint32_t copy_read = chek_cursor_u32(&in);
    CHEK_ASSERT(in.error == CHEK_OK);

    if (reserved != 0 || generation != place->generation || stream != place->stream ||
        copy_read != copy ||
        !persist__log_is_zero(block + WATERMARK_SIZE, CHEK_BLOCK_SIZE - WATERMARK_SIZE)) {
        return CHEK_E_CORRUPT;
    }
    *ret_lsn = lsn;
    return CHEK_OK;
}
