/* SPDX-License-Identifier: MIT */
/*
 * snapshot.c - write once, read back, never change.
 *
 *   offset size
 *        0    4  "CHKI"
 *        4    2  version, 1
 *        6    1  kind
 *        7    1  zero
 *        8   16  identity of the data folder
 *       24    8  number
 *       32    2  partition
 *       34    6  zero
 *       40    8  size of the content
 *       48    8  XXH3-64 of the content, seeded with the sum of the head
 *       56    8  XXH3-64 of bytes 0..47
 *       64       content
 */
#include "persist/snapshot.h"

#include <errno.h>
#include <stdio.h>

#include "engine/base/checksum.h"
#include "engine/base/cursor.h"
#include "engine/base/memory.h"

#define MAGIC 0x494b4843u
#define VERSION 1
#define HEAD_SIZE 64
#define CONTENT_SIZE_MAX (UINT64_C(1) << 40)

void
chek_immutable_name(const struct chek_immutable *file, char ret[CHEK_IMMUTABLE_NAME_MAX])
{
    (void)snprintf(ret, CHEK_IMMUTABLE_NAME_MAX, "%s/%04u-%012llu",
                   file->kind == CHEK_IMMUTABLE_IMAGE ? CHEK_SNAPSHOT_FOLDER : CHEK_SEGMENT_FOLDER,
                   file->partition, (unsigned long long)file->number);
}

static void
head_write(const struct chek_immutable *file, struct chek_bytes_view content,
           uint8_t head[HEAD_SIZE])
{
    memset(head, 0, HEAD_SIZE);
    chek_store_u32(head, MAGIC);
    chek_store_u16(head + 4, VERSION);
    head[6] = file->kind;
    chek_store_u64(head + 8, file->folder_id[0]);
    chek_store_u64(head + 16, file->folder_id[1]);
    chek_store_u64(head + 24, file->number);
    chek_store_u16(head + 32, file->partition);
    chek_store_u64(head + 40, content.size);
    uint64_t head_sum = chek_checksum(head, 48);
    chek_store_u64(head + 48, chek_checksum_seeded(content.bytes, content.size, head_sum));
    chek_store_u64(head + 56, head_sum);
}

/*
 * Check a head against the place where it stands.
 *
 *   Errors     CORRUPT, VERSION, FOREIGN
 */
static int
head_check(const struct chek_immutable *file, struct chek_bytes_view bytes, uint64_t *ret_size,
           uint64_t *ret_sum, uint64_t *ret_head_sum)
{
    struct chek_cursor in = chek_cursor_over(bytes.bytes, bytes.size);
    uint32_t magic = chek_cursor_u32(&in);
    uint16_t version = chek_cursor_u16(&in);
    uint8_t kind = chek_cursor_u8(&in);
    uint8_t zero_kind = chek_cursor_u8(&in);
    uint64_t folder_low = chek_cursor_u64(&in);
    uint64_t folder_high = chek_cursor_u64(&in);
    uint64_t number = chek_cursor_u64(&in);
    uint16_t partition = chek_cursor_u16(&in);
    uint16_t zero_low = chek_cursor_u16(&in);
    uint32_t zero_high = chek_cursor_u32(&in);
    uint64_t size = chek_cursor_u64(&in);
    uint64_t sum = chek_cursor_u64(&in);
    uint64_t head_sum = chek_cursor_u64(&in);

    if (in.error != CHEK_OK || magic != MAGIC || chek_checksum(bytes.bytes, 48) != head_sum ||
        zero_kind != 0 || zero_low != 0 || zero_high != 0 || size > CONTENT_SIZE_MAX) {
        return CHEK_E_CORRUPT;
    }
    if (version != VERSION) {
        return CHEK_E_VERSION;
    }
    if (kind != file->kind || folder_low != file->folder_id[0] ||
        folder_high != file->folder_id[1] || number != file->number ||
        partition != file->partition) {
        return CHEK_E_FOREIGN;
    }
    *ret_size = size;
    *ret_sum = sum;
    *ret_head_sum = head_sum;
    return CHEK_OK;
}

static int
write_all(struct chek_io *io, const struct chek_immutable *file, const char *name,
          struct chek_bytes_view content)
{
    uint8_t head[HEAD_SIZE];
    int handle = chek_disk_open(io, name, CHEK_FILE_READ | CHEK_FILE_WRITE | CHEK_FILE_CREATE);
    if (handle < 0) {
        return handle;
    }
    head_write(file, content, head);
    int error = chek_disk_write(io, handle, head, sizeof head, 0);
    if (error == CHEK_OK && content.size != 0) {
        error = chek_disk_write(io, handle, content.bytes, content.size, HEAD_SIZE);
    }
    if (error == CHEK_OK) {
        error = chek_disk_sync(io, handle);
    }
    chek_disk_close(io, handle);
    return error;
}

int
chek_immutable_write(struct chek_io *io, const struct chek_immutable *file,
                     struct chek_bytes_view content)
{
    char name[CHEK_IMMUTABLE_NAME_MAX];
    uint8_t *bytes;
    size_t size;
    struct chek_bytes_view back;

    chek_immutable_name(file, name);
    int error = chek_disk_unlink(io, name);
    if (error != CHEK_OK && error != -ENOENT) {
        return error;
    }
    error = write_all(io, file, name, content);
    if (error != CHEK_OK) {
        return error;
    }
    error = chek_immutable_read(io, file, &bytes, &size, &back);
    if (error != CHEK_OK) {
        return error;
    }
    bool equal = chek_bytes_view_equal(back, content);
    chek_memory_free(bytes, size);
    return equal ? CHEK_OK : CHEK_E_CORRUPT;
}

/* Read the whole of an open file that is as long as its head says. */
static int
read_all(struct chek_io *io, const struct chek_immutable *file, int handle, uint8_t **ret_bytes,
         size_t *ret_size, struct chek_bytes_view *ret_content)
{
    uint8_t head[HEAD_SIZE];
    uint64_t size;
    uint64_t sum;
    uint64_t head_sum;
    int64_t file_size = chek_disk_size(io, handle);
    if (file_size < 0) {
        return (int)file_size;
    }
    int64_t got = chek_disk_read(io, handle, head, sizeof head, 0);
    if (got < 0) {
        return (int)got;
    }
    int error = head_check(file, chek_bytes_view_of(head, (size_t)got), &size, &sum, &head_sum);
    if (error != CHEK_OK) {
        return error;
    }
    /* The allocation is as large as the file is, not as its head pretends. */
    if ((uint64_t)file_size != size + HEAD_SIZE) {
        return CHEK_E_CORRUPT;
    }
    size_t bytes_size = (size_t)size != 0 ? (size_t)size : 1;
    uint8_t *bytes = chek_memory_allocate(bytes_size);
    if (bytes == NULL) {
        return -ENOMEM;
    }
    got = chek_disk_read(io, handle, bytes, (size_t)size, HEAD_SIZE);
    error = got < 0 ? (int)got : CHEK_OK;
    if (error == CHEK_OK &&
        ((uint64_t)got != size || chek_checksum_seeded(bytes, (size_t)size, head_sum) != sum)) {
        error = CHEK_E_CORRUPT;
    }
    if (error != CHEK_OK) {
        chek_memory_free(bytes, bytes_size);
        return error;
    }
    *ret_bytes = bytes;
    *ret_size = bytes_size;
    *ret_content = chek_bytes_view_of(bytes, (size_t)size);
    return CHEK_OK;
}

int
chek_immutable_read(struct chek_io *io, const struct chek_immutable *file, uint8_t **ret_bytes,
                    size_t *ret_size, struct chek_bytes_view *ret_content)
{
    char name[CHEK_IMMUTABLE_NAME_MAX];
    chek_immutable_name(file, name);
    int handle = chek_disk_open(io, name, CHEK_FILE_READ);
    if (handle < 0) {
        return handle;
    }
    int error = read_all(io, file, handle, ret_bytes, ret_size, ret_content);
    chek_disk_close(io, handle);
    return error;
}
