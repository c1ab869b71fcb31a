/* SPDX-License-Identifier: MIT */
#include "tools/kkm/kkm_list.h"

#include <errno.h>
#include <string.h>

#include "engine/base/prng.h"
#include "query/client/kkm_adder.h"
#include "tools/kkm/kkm_known.h"

#define TOKEN_SIZE_MAX 130

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

/* ---- adding ----------------------------------------------------------------------------------- */

static int
failure_set(struct chek_failure *failure, int code, const char *text)
{
    *failure = (struct chek_failure){.code = code};
    (void)snprintf(failure->text, sizeof failure->text, "%s", text);
    return code;
}

struct adding {
    struct chek_failure *failure;
    const struct chek_kkm_options *options;
};

static int
on_added(void *context, uint64_t number, const struct chek_kkm_added *added,
         const struct chek_failure *failure)
{
    struct adding *adding = context;
    struct chek_kkm_identity identity =
        chek_kkm_identity_of(adding->options, (uint32_t)number - adding->options->first_device);
    if (added == NULL) {
        *adding->failure = *failure;
        (void)snprintf(adding->failure->text, sizeof adding->failure->text, "device %u: %.200s",
                       (unsigned)number, failure->text);
        return failure->code;
    }
    if (added->token != identity.token) {
        return failure_set(adding->failure, CHEK_E_CONFLICT,
                           "the server gave another first token than was asked for");
    }
    return CHEK_OK;
}

static int
register_add(struct chek_kkm_adder *adder, const struct chek_kkm_identity *identity)
{
    struct chek_register_key keys[] = {
        {.kind = CHEK_KEY_KIND_REGISTRATION_NUMBER, .value = chek_bytes_view_text(identity->rnm)},
        {.kind = CHEK_KEY_KIND_FACTORY_NUMBER, .value = chek_bytes_view_text(identity->factory)}};
    struct chek_register profile = {.keys = keys,
                                    .keys_count = CHEK_COUNT(keys),
                                    .organisation = chek_bytes_view_text(identity->organisation),
                                    .point = chek_bytes_view_text(identity->point)};
    struct chek_kkm_add what = {
        .device = identity->device, .token = identity->token, .profile = &profile};
    return chek_kkm_adder_add(adder, identity->device, &what);
}

static int
registers_add(const struct chek_kkm_options *options, struct chek_client *client,
              struct chek_failure *failure)
{
    struct adding adding = {failure, options};
    struct chek_kkm_adder adder = {.client = client, .on_added = on_added, .context = &adding};
    int error = CHEK_OK;
    for (uint32_t i = 0; error == CHEK_OK && i < options->register_count; i++) {
        struct chek_kkm_identity identity = chek_kkm_identity_of(options, i);
        error = register_add(&adder, &identity);
    }
    if (error == CHEK_OK) {
        error = chek_kkm_adder_finish(&adder);
    }
    if (error == CHEK_OK) {
        error = chek_kkm_known_add(options, client);
    }
    if (error != CHEK_OK && failure->code == CHEK_OK) {
        *failure = *chek_client_failure(client);
    }
    return error;
}

/* The first line of the token's file. */
static int
token_read(const char *path, char *line, size_t size)
{
    FILE *file = fopen(path, "re");
    if (file == NULL) {
        return -errno;
    }
    char *got = fgets(line, (int)size, file);
    (void)fclose(file);
    if (got != NULL) {
        line[strcspn(line, "\r\n \t")] = 0;
    }
    return got != NULL && line[0] != 0 ? CHEK_OK : CHEK_E_AUTHENTICATION;
}

int
chek_kkm_list_add(const struct chek_kkm_options *options, struct chek_failure *failure)
{
    char token[TOKEN_SIZE_MAX];
    struct chek_client *client = NULL;
    *failure = (struct chek_failure){0};
    int error = token_read(options->token_file, token, sizeof token);
    if (error != CHEK_OK) {
        return failure_set(failure, error, "the token's file has none, or cannot be read");
    }
    struct chek_client_options connection = {.address = options->server,
                                             .token = chek_bytes_view_text(token),
                                             .program = "chek-kkm 0.1"};
    error = chek_client_connect(&connection, &client, failure);
    if (error == CHEK_OK) {
        error = registers_add(options, client, failure);
    }
    chek_client_close(client);
    memset(token, 0, sizeof token);
    return error;
}
