/* SPDX-License-Identifier: MIT */
/*
 * snapshot.c - write once, read back, never change.
 *
 *   offset size
 *        0    4  "CHKI"
 *        4    2  version, 2
 *        6    1  kind
 *        7    1  zero
 *        8   16  identity of the data folder
 *       24    8  number
 *       32    2  partition
 *       34    6  zero
 *       40    8  size of the content
 *       48    8  XXH3-64 of the content, seeded with the XXH3-64 of bytes 0..39
 *       56    8  XXH3-64 of bytes 0..55
 *       64       content
 *
 * The head is written last, when size and sum are known: a file that was cut short has none.
 */
#include "persist/snapshot.h"

#include <errno.h>
#include <stdio.h>

#include "engine/base/assertion.h"
#include "engine/base/cursor.h"
#include "engine/base/memory.h"
#include "engine/base/workspace.h"

#define MAGIC 0x494b4843u
#define VERSION 2
#define HEAD_SIZE 64
#define PLACE_SIZE 40 /* of the head: what the content is bound to */
#define SUMMED_SIZE 56
#define SYNC_SIZE (UINT64_C(8) << 20) /* content that is written without a sync */
#define PIECE_SIZE 262144
#define CONTENT_SIZE_MAX (UINT64_C(1) << 40)

void
chek_immutable_name(const struct chek_immutable *file, char ret[CHEK_IMMUTABLE_NAME_MAX])
{
    (void)snprintf(ret, CHEK_IMMUTABLE_NAME_MAX, "%s/%04u-%012llu",
                   file->kind == CHEK_IMMUTABLE_IMAGE ? CHEK_SNAPSHOT_FOLDER : CHEK_SEGMENT_FOLDER,
                   file->partition, (unsigned long long)file->number);
}

/* The bytes of a head that say where the file belongs. */
static void
place_write(const struct chek_immutable *what, uint8_t head[HEAD_SIZE])
{
    memset(head, 0, HEAD_SIZE);
    chek_store_u32(head, MAGIC);
    chek_store_u16(head + 4, VERSION);
    head[6] = what->kind;
    chek_store_u64(head + 8, what->folder_id[0]);
    chek_store_u64(head + 16, what->folder_id[1]);
    chek_store_u64(head + 24, what->number);
    chek_store_u16(head + 32, what->partition);
}

static void
head_write(const struct chek_immutable *what, uint64_t size, uint64_t sum, uint8_t head[HEAD_SIZE])
{
    place_write(what, head);
    chek_store_u64(head + 40, size);
    chek_store_u64(head + 48, sum);
    chek_store_u64(head + 56, chek_checksum(head, SUMMED_SIZE));
}

/* What a head says of the content. */
struct head {
    uint64_t size, sum;
    uint64_t seed; /* of the sum */
};

/*
 * Check a head against the place where it stands.
 *
 *   Errors     CORRUPT, VERSION, FOREIGN
 */
static int
head_check(const struct chek_immutable *what, struct chek_bytes_view bytes, struct head *ret)
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

    if (in.error != CHEK_OK || magic != MAGIC ||
        chek_checksum(bytes.bytes, SUMMED_SIZE) != head_sum || zero_kind != 0 || zero_low != 0 ||
        zero_high != 0 || size > CONTENT_SIZE_MAX) {
        return CHEK_E_CORRUPT;
    }
    if (version != VERSION) {
        return CHEK_E_VERSION;
    }
    if (kind != what->kind || folder_low != what->folder_id[0] ||
        folder_high != what->folder_id[1] || number != what->number ||
        partition != what->partition) {
        return CHEK_E_FOREIGN;
    }
    *ret = (struct head){size, sum, chek_checksum(bytes.bytes, PLACE_SIZE)};
    return CHEK_OK;
}

/* Read the head of an open file that is as long as it says. */
static int
head_read(struct chek_io *io, const struct chek_immutable *what, int handle, struct head *ret)
{
    uint8_t bytes[HEAD_SIZE];
    struct head head;
    int64_t file_size = chek_disk_size(io, handle);
    if (file_size < 0) {
        return (int)file_size;
    }
    int64_t got = chek_disk_read(io, handle, bytes, sizeof bytes, 0);
    if (got < 0) {
        return (int)got;
    }
    int error = head_check(what, chek_bytes_view_of(bytes, (size_t)got), &head);
    if (error != CHEK_OK) {
        return error;
    }
    /* What is allocated or read is as large as the file is, not as its head pretends. */
    if ((uint64_t)file_size != head.size + HEAD_SIZE) {
        return CHEK_E_CORRUPT;
    }
    *ret = head;
    return CHEK_OK;
}

/* ---- writing ---------------------------------------------------------------------------------- */

int
chek_immutable_create(struct chek_io *io, const struct chek_immutable *what,
                      struct chek_immutable_file *ret)
{
    char name[CHEK_IMMUTABLE_NAME_MAX];
    uint8_t head[HEAD_SIZE];
    chek_immutable_name(what, name);
    int error = chek_disk_unlink(io, name);
    if (error != CHEK_OK && error != -ENOENT) {
        return error;
    }
    int handle = chek_disk_open(io, name, CHEK_FILE_READ | CHEK_FILE_WRITE | CHEK_FILE_CREATE);
    if (handle < 0) {
        return handle;
    }
    *ret = (struct chek_immutable_file){.what = *what, .handle = handle};
    place_write(what, head);
    chek_checksum_stream_init_seeded(&ret->sum, chek_checksum(head, PLACE_SIZE));
    return CHEK_OK;
}

int
chek_immutable_append(struct chek_io *io, struct chek_immutable_file *file,
                      struct chek_bytes_view content)
{
    CHEK_ASSERT(file->size + content.size <= CONTENT_SIZE_MAX);
    chek_checksum_stream_add(&file->sum, content.bytes, content.size);
    int error = CHEK_OK;
    if (content.size != 0) {
        error =
            chek_disk_write(io, file->handle, content.bytes, content.size, HEAD_SIZE + file->size);
    }
    file->size += content.size;
    if (error == CHEK_OK && file->size - file->synced_size >= SYNC_SIZE) {
        error = chek_disk_sync(io, file->handle);
        file->synced_size = file->size;
    }
    return error;
}

void
chek_immutable_abandon(struct chek_io *io, struct chek_immutable_file *file)
{
    chek_disk_close(io, file->handle);
}

int
chek_immutable_finish(struct chek_io *io, struct chek_immutable_file *file)
{
    uint8_t head[HEAD_SIZE];
    uint64_t size;
    head_write(&file->what, file->size, chek_checksum_stream_sum(&file->sum), head);
    int error = chek_disk_write(io, file->handle, head, sizeof head, 0);
    if (error == CHEK_OK) {
        error = chek_disk_sync(io, file->handle);
    }
    chek_disk_close(io, file->handle);
    if (error == CHEK_OK) {
        error = chek_immutable_check(io, &file->what, &size);
    }
    return error == CHEK_OK && size != file->size + HEAD_SIZE ? CHEK_E_CORRUPT : error;
}

int
chek_immutable_write(struct chek_io *io, const struct chek_immutable *what,
                     struct chek_bytes_view content)
{
    struct chek_immutable_file file;
    int error = chek_immutable_create(io, what, &file);
    if (error != CHEK_OK) {
        return error;
    }
    error = chek_immutable_append(io, &file, content);
    if (error != CHEK_OK) {
        chek_immutable_abandon(io, &file);
        return error;
    }
    return chek_immutable_finish(io, &file);
}

/* ---- reading ---------------------------------------------------------------------------------- */

/* Sum the content of an open file in pieces. */
static int
content_check(struct chek_io *io, int handle, const struct head *head, uint8_t *piece)
{
    struct chek_checksum_stream sum;
    chek_checksum_stream_init_seeded(&sum, head->seed);
    for (uint64_t at = 0; at < head->size;) {
        uint64_t left = head->size - at;
        size_t size = left < PIECE_SIZE ? (size_t)left : PIECE_SIZE;
        int64_t got = chek_disk_read(io, handle, piece, size, HEAD_SIZE + at);
        if (got < 0) {
            return (int)got;
        }
        if ((uint64_t)got != size) {
            return CHEK_E_CORRUPT;
        }
        chek_checksum_stream_add(&sum, piece, size);
        at += size;
    }
    return chek_checksum_stream_sum(&sum) == head->sum ? CHEK_OK : CHEK_E_CORRUPT;
}

int
chek_immutable_check(struct chek_io *io, const struct chek_immutable *what, uint64_t *ret_size)
{
    char name[CHEK_IMMUTABLE_NAME_MAX];
    struct head head;
    chek_immutable_name(what, name);
    int handle = chek_disk_open(io, name, CHEK_FILE_READ);
    if (handle < 0) {
        return handle;
    }
    uint8_t *piece = chek_workspace_take(PIECE_SIZE);
    int error = piece != NULL ? head_read(io, what, handle, &head) : -ENOMEM;
    if (error == CHEK_OK) {
        error = content_check(io, handle, &head, piece);
    }
    chek_workspace_give(piece, PIECE_SIZE);
    chek_disk_close(io, handle);
    if (error == CHEK_OK) {
        *ret_size = head.size + HEAD_SIZE;
    }
    return error;
}

/* Read the whole of an open file. */
static int
read_all(struct chek_io *io, const struct chek_immutable *what, int handle, uint8_t **ret_bytes,
         size_t *ret_size, struct chek_bytes_view *ret_content)
{
    struct head head;
    int error = head_read(io, what, handle, &head);
    if (error != CHEK_OK) {
        return error;
    }
    size_t bytes_size = (size_t)head.size != 0 ? (size_t)head.size : 1;
    uint8_t *bytes = chek_memory_allocate(bytes_size);
    if (bytes == NULL) {
        return -ENOMEM;
    }
    int64_t got = chek_disk_read(io, handle, bytes, (size_t)head.size, HEAD_SIZE);
    error = got < 0 ? (int)got : CHEK_OK;
    if (error == CHEK_OK &&
        ((uint64_t)got != head.size ||
         chek_checksum_seeded(bytes, (size_t)head.size, head.seed) != head.sum)) {
        error = CHEK_E_CORRUPT;
    }
    if (error != CHEK_OK) {
        chek_memory_free(bytes, bytes_size);
        return error;
    }
    *ret_bytes = bytes;
    *ret_size = bytes_size;
    *ret_content = chek_bytes_view_of(bytes, (size_t)head.size);
    return CHEK_OK;
}

int
chek_immutable_read(struct chek_io *io, const struct chek_immutable *what, uint8_t **ret_bytes,
                    size_t *ret_size, struct chek_bytes_view *ret_content)
{
    char name[CHEK_IMMUTABLE_NAME_MAX];
    chek_immutable_name(what, name);
    int handle = chek_disk_open(io, name, CHEK_FILE_READ);
    if (handle < 0) {
        return handle;
    }
    int error = read_all(io, what, handle, ret_bytes, ret_size, ret_content);
    chek_disk_close(io, handle);
    return error;
}

/* The size of the content of an open file, by its head or, behind its beginning, by its length. */
static int
content_size(struct chek_io *io, const struct chek_immutable *what, int handle, bool is_checked,
             uint64_t *ret)
{
    struct head head;
    if (is_checked) {
        int error = head_read(io, what, handle, &head);
        *ret = error == CHEK_OK ? head.size : 0;
        return error;
    }
    int64_t size = chek_disk_size(io, handle);
    if (size < HEAD_SIZE) {
        return size < 0 ? (int)size : CHEK_E_CORRUPT;
    }
    *ret = (uint64_t)size - HEAD_SIZE;
    return CHEK_OK;
}

int
chek_immutable_read_part(struct chek_io *io, const struct chek_immutable *what, uint64_t offset,
                         uint8_t *bytes, size_t size, uint64_t *ret_content_size)
{
    char name[CHEK_IMMUTABLE_NAME_MAX];
    uint64_t all = 0;
    chek_immutable_name(what, name);
    int handle = chek_disk_open(io, name, CHEK_FILE_READ);
    if (handle < 0) {
        return handle;
    }
    int error = content_size(io, what, handle, offset == 0, &all);
    if (error == CHEK_OK && (offset > all || size > all - offset)) {
        error = CHEK_E_CORRUPT;
    }
    if (error == CHEK_OK) {
        int64_t got = chek_disk_read(io, handle, bytes, size, HEAD_SIZE + offset);
        error = got < 0 ? (int)got : (uint64_t)got != size ? CHEK_E_CORRUPT : CHEK_OK;
    }
    chek_disk_close(io, handle);
    *ret_content_size = all;
    return error;
}
