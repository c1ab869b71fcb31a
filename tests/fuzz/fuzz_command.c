/* SPDX-License-Identifier: MIT */
/*
 * fuzz_command.c - any bytes are no command, or the envelope and body that they encode to again.
 *
 * They are tried as they are and with the size in the envelope made right.
 */
#include <stdlib.h>
#include <string.h>

#include "engine/base/assertion.h"
#include "engine/base/bytes.h"
#include "engine/partition/envelope.h"
#include "tests/fuzz/fuzz.h"

static void
try_bytes(const uint8_t *bytes, size_t size)
{
    struct chek_command command;
    uint8_t again[CHEK_ENVELOPE_SIZE];
    memset(&command, 0x5a, sizeof command);
    int error = chek_command_decode(chek_bytes_view_of(bytes, size), &command);
    if (error != CHEK_OK) {
        CHEK_ASSERT(error == CHEK_E_SHORT || error == CHEK_E_TRAILING || error == CHEK_E_RESERVED ||
                    error == CHEK_E_RANGE || error == CHEK_E_APPLY_VERSION);
        CHEK_ASSERT(command.envelope.kind == 0x5a); /* unchanged */
        return;
    }
    CHEK_ASSERT(command.body.bytes == bytes + CHEK_ENVELOPE_SIZE);
    CHEK_ASSERT(command.body.size == size - CHEK_ENVELOPE_SIZE);
    chek_envelope_encode(&command.envelope, command.body.size, again);
    CHEK_ASSERT(memcmp(again, bytes, sizeof again) == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    try_bytes(bytes, size);
    if (size >= CHEK_ENVELOPE_SIZE && size <= CHEK_COMMAND_SIZE_MAX) {
        uint8_t *copy = malloc(size);
        CHEK_ASSERT(copy != NULL);
        memcpy(copy, bytes, size);
        chek_store_u32(copy, (uint32_t)size);
        try_bytes(copy, size);
        free(copy);
    }
    return 0;
}
