/* SPDX-License-Identifier: MIT */
/*
 * fuzz_immutable.c - damaged files of images and segments are refused by whoever reads them.
 *
 *   byte 0  the place that the file is written for; bit 7: its head is summed again after damage
 *   byte 1  the place that it is read for: another one is FOREIGN
 *   byte 2  by how much it is made shorter (bit 7: longer)
 *   byte 3  size of the content, which comes next
 *   then    damage: each three bytes {offset u16, value} change one byte
 */
#include <string.h>

#include "engine/base/assertion.h"
#include "engine/base/cursor.h"
#include "engine/base/memory.h"
#include "persist/snapshot.h"
#include "tests/fuzz/fuzz.h"
#include "tests/unit/fake_disk.h"

#define FILE_SIZE_MAX 1024
#define HEAD_SIZE 64
#define HEAD_SUMMED_SIZE 56
#define DAMAGE_COUNT_MAX 64

static struct chek_immutable
place_of(uint8_t which)
{
    return (struct chek_immutable){
        .folder_id = {7, 8 + (which & 1)},
        .number = 31 + (which >> 1 & 1),
        .partition = 3 + (which >> 2 & 1),
        .kind = (which & 8) != 0 ? CHEK_IMMUTABLE_SEGMENT : CHEK_IMMUTABLE_IMAGE,
    };
}

static void
damage(struct fake_file *file, struct chek_cursor *in)
{
    for (unsigned i = 0; i < DAMAGE_COUNT_MAX && chek_cursor_left(in) >= 3; i++) {
        size_t offset = chek_cursor_u16(in) % file->size;
        file->bytes[offset] = chek_cursor_u8(in);
    }
}

/* Shorter, or longer by zeros; returns the size. */
static size_t
resize(uint8_t bytes[FILE_SIZE_MAX], size_t size, uint8_t how)
{
    size_t by = how & 0x7f;
    if ((how & 0x80) == 0) {
        return by < size ? size - by : 1;
    }
    CHEK_ASSERT(size + by <= FILE_SIZE_MAX);
    memset(bytes + size, 0, by);
    return size + by;
}

static void
error_judge(int error)
{
    CHEK_ASSERT(error == CHEK_OK || error == CHEK_E_CORRUPT || error == CHEK_E_VERSION ||
                error == CHEK_E_FOREIGN);
}

/* Whole, checked, or in parts: all say the same, but that a part of the content is not summed. */
static void
read_judge(struct fake_disk *disk, const struct chek_immutable *what,
           struct chek_bytes_view content, bool is_sound)
{
    struct chek_io *io = &disk->io;
    uint8_t *bytes;
    uint8_t part[8];
    size_t size;
    uint64_t checked_size, content_size;
    struct chek_bytes_view got;
    int error = chek_immutable_read(io, what, &bytes, &size, &got);
    error_judge(error);
    CHEK_ASSERT((error == CHEK_OK) == is_sound);
    int checked = chek_immutable_check(io, what, &checked_size);
    CHEK_ASSERT(checked == error);
    size_t part_size = content.size < sizeof part ? content.size : sizeof part;
    int parted = chek_immutable_read_part(io, what, 0, part, part_size, &content_size);
    error_judge(parted);
    CHEK_ASSERT(disk->open_count == 0);
    if (error != CHEK_OK) {
        return;
    }
    CHEK_ASSERT(checked_size == got.size + HEAD_SIZE);
    CHEK_ASSERT(parted == (part_size <= got.size ? CHEK_OK : CHEK_E_CORRUPT));
    CHEK_ASSERT(parted != CHEK_OK ||
                (content_size == got.size && memcmp(part, got.bytes, part_size) == 0));
    CHEK_ASSERT(chek_bytes_view_equal(got, content)); /* what is accepted is what was written */
    chek_memory_free(bytes, size);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct chek_cursor in = chek_cursor_over(bytes, size);
    static uint8_t sound[FILE_SIZE_MAX];
    static uint8_t damaged[FILE_SIZE_MAX];
    char name[CHEK_IMMUTABLE_NAME_MAX];
    uint8_t which = chek_cursor_u8(&in);
    struct chek_immutable written = place_of(which);
    uint8_t asked = chek_cursor_u8(&in) & 15;
    struct chek_immutable what = place_of(asked);
    uint8_t how = chek_cursor_u8(&in);
    struct chek_bytes_view content = chek_cursor_view(&in, chek_cursor_u8(&in));
    if (in.error != CHEK_OK) {
        return 0;
    }
    struct fake_disk *disk = fake_disk_create();
    int error = chek_immutable_write(&disk->io, &written, content);
    CHEK_ASSERT(error == CHEK_OK);
    chek_immutable_name(&written, name);
    struct fake_file *file = fake_disk_file(disk, name);
    size_t sound_size = file->size;
    memcpy(sound, file->bytes, sound_size);
    damage(file, &in);
    memcpy(damaged, file->bytes, sound_size);
    size_t damaged_size = resize(damaged, sound_size, how);
    if ((which & 0x80) != 0 && damaged_size >= HEAD_SIZE) {
        chek_store_u64(damaged + HEAD_SUMMED_SIZE, chek_checksum(damaged, HEAD_SUMMED_SIZE));
    }
    bool is_sound = asked == (which & 15) && damaged_size == sound_size &&
                    memcmp(damaged, sound, sound_size) == 0;
    chek_immutable_name(&what, name); /* it may stand in another place */
    (void)fake_disk_put(disk, name, damaged, damaged_size);
    read_judge(disk, &what, content, is_sound);
    fake_disk_destroy(disk);
    return 0;
}
