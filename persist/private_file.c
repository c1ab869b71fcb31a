/* SPDX-License-Identifier: MIT */
/*
 * private_file.c - keys with a sum, so that one flipped bit is not a key to nothing for ever.
 *
 * A wrong key is worse than none: subjects that were known get other ids, and what is encrypted
 * meanwhile opens with no copy of the key that somebody keeps.
 */
#include "persist/private_file.h"

#include <errno.h>
#include <string.h>

#include "engine/base/bytes.h"
#include "engine/base/checksum.h"

#define SUM_SEED UINT64_C(0x0a59454b4b454843) /* "CHEKKEY\n" */
#define FILE_SIZE (CHEK_SECRET_SIZE + 8)

int
chek_private_write(struct chek_io *io, const char *name, const void *bytes, size_t size)
{
    int error = chek_disk_unlink(io, name);
    if (error != CHEK_OK && error != -ENOENT) {
        return error;
    }
    int file = chek_disk_open(io, name, CHEK_FILE_WRITE | CHEK_FILE_CREATE);
    if (file < 0) {
        return file;
    }
    error = chek_disk_write(io, file, bytes, size, 0);
    if (error == CHEK_OK) {
        error = chek_disk_sync(io, file);
    }
    chek_disk_close(io, file);
    return error;
}

static uint64_t
sum_of(const uint8_t *secret)
{
    return chek_checksum_seeded(secret, CHEK_SECRET_SIZE, SUM_SEED);
}

int
chek_secret_write(struct chek_io *io, const uint8_t secret[CHEK_SECRET_SIZE])
{
    uint8_t bytes[FILE_SIZE];
    memcpy(bytes, secret, CHEK_SECRET_SIZE);
    chek_store_u64(bytes + CHEK_SECRET_SIZE, sum_of(secret));
    int error = chek_private_write(io, CHEK_SECRET_NAME, bytes, sizeof bytes);
    explicit_bzero(bytes, sizeof bytes);
    return error;
}

int
chek_secret_read(struct chek_io *io, uint8_t ret[CHEK_SECRET_SIZE])
{
    uint8_t bytes[FILE_SIZE + 1]; /* to see that there is no more */
    int file = chek_disk_open(io, CHEK_SECRET_NAME, CHEK_FILE_READ);
    if (file < 0) {
        return file;
    }
    int64_t got = chek_disk_read(io, file, bytes, sizeof bytes, 0);
    chek_disk_close(io, file);
    int error = got < 0                                                    ? (int)got
                : got != FILE_SIZE                                         ? CHEK_E_CORRUPT
                : chek_load_u64(bytes + CHEK_SECRET_SIZE) == sum_of(bytes) ? CHEK_OK
                                                                           : CHEK_E_CORRUPT;
    if (error == CHEK_OK) {
        memcpy(ret, bytes, CHEK_SECRET_SIZE);
    }
    explicit_bzero(bytes, sizeof bytes);
    return error;
}
