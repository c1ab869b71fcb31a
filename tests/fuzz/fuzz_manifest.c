/* SPDX-License-Identifier: MIT */
/*
 * fuzz_manifest.c - a manifest of any bytes is refused, or is what it encodes to again.
 *
 * The sum is made right first, or no input would come past it.
 */
#include <errno.h>

#include "engine/base/assertion.h"
#include "engine/base/checksum.h"
#include "persist/manifest.h"
#include "tests/fuzz/fuzz.h"

#define NUMBER 3
#define SIZE_MAX_HERE 4096

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    uint8_t record[SIZE_MAX_HERE], again[SIZE_MAX_HERE];
    struct chek_manifest manifest;

    if (size > sizeof record) {
        return 0;
    }
    if (size != 0) {
        memcpy(record, bytes, size);
    }
    if (size >= 24) {
        chek_store_u32(record + 12, (uint32_t)size);
        chek_store_u64(record + 16, NUMBER);
        chek_store_u64(record + size - 8, chek_checksum_seeded(record, size - 8, NUMBER));
    }
    int error = chek_manifest_decode(record, size, NUMBER, &manifest);
    if (error != CHEK_OK) {
        CHEK_ASSERT(error == CHEK_E_CORRUPT || error == CHEK_E_VERSION || error == -ENOMEM);
        return 0;
    }
    CHEK_ASSERT(chek_manifest_size(&manifest) == size);
    chek_manifest_encode(&manifest, again);
    CHEK_ASSERT(memcmp(again, record, size) == 0);
    chek_manifest_finish(&manifest);
    return 0;
}
