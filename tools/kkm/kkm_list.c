/* SPDX-License-Identifier: MIT */
#include "tools/kkm/kkm_list.h"

#include <errno.h>

#include "engine/base/prng.h"

struct chek_kkm_identity
chek_kkm_identity_of(const struct chek_kkm_options *options, uint32_t index)
{
    struct chek_kkm_identity identity = {.device = options->first_device + index};
    struct chek_prng prng;
    uint32_t device = identity.device;

    /* Tokens use all 32 bits: half of them are above 2^31. */
    chek_prng_init(&prng, options->seed * 2 + 1 + ((uint64_t)device << 32));
    while (identity.token == 0) {
        identity.token = (uint32_t)(chek_prng_next(&prng) >> 32);
    }
    (void)snprintf(identity.device_text, sizeof identity.device_text, "%u", device);
    (void)snprintf(identity.rnm, sizeof identity.rnm, "64%010u", device);
    (void)snprintf(identity.factory, sizeof identity.factory, "SIM%010u", device);
    (void)snprintf(identity.organisation, sizeof identity.organisation, "9%011u",
                   device / CHEK_KKM_REGISTERS_AN_ORGANISATION);
    (void)snprintf(identity.point, sizeof identity.point, "P%u", device % 4 + 1);
    return identity;
}

int
chek_kkm_list_write(const struct chek_kkm_options *options, FILE *out)
{
    (void)fputs("device,token,rnm,factory,org,point\n", out);
    for (uint32_t i = 0; i < options->register_count; i++) {
        struct chek_kkm_identity identity = chek_kkm_identity_of(options, i);
        (void)fprintf(out, "%u,%u,%s,%s,%s,%s\n", identity.device, identity.token, identity.rnm,
                      identity.factory, identity.organisation, identity.point);
    }
    errno = 0;
    return fflush(out) == 0 && !ferror(out) ? CHEK_OK : errno != 0 ? -errno : -EIO;
}

int
chek_kkm_list_add(const struct chek_kkm_options *options)
{
    (void)options;
    return CHEK_E_OPCODE;
}
