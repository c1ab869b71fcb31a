/* SPDX-License-Identifier: MIT */
/*
 * register_find.c - from what a person calls a register to the register.
 */
#include <stdio.h>
#include <string.h>

#include "engine/base/decimal.h"
#include "tools/chek/run.h"

#define CANDIDATE_COUNT_MAX 8
#define REGISTERED_SIZE_MAX 8192

CHEK__ENCODER(ask_registers)

static const struct prefix {
    const char *text;
    int kind; /* enum chek_key_kind; -1: the engine's id */
} prefixes[] = {
    {"#", -1},
    {"id:", -1},
    {"rnm:", CHEK_KEY_KIND_REGISTRATION_NUMBER},
    {"factory:", CHEK_KEY_KIND_FACTORY_NUMBER},
    {"fn:", CHEK_KEY_KIND_FISCAL_DRIVE},
    {"device:", CHEK_KEY_KIND_DEVICE},
    {"name:", CHEK_KEY_KIND_NAME},
};

/* Registers that fit a name. */
struct candidates {
    struct chek__run *run;
    const struct prefix *prefix; /* NULL: any kind */
    struct chek_bytes_view value;
    struct chek_registered list[CANDIDATE_COUNT_MAX];
    uint32_t count; /* also of those that the list has no room for */
};

struct chek_bytes_view
chek__register_key(const struct chek_register *what, uint8_t kind)
{
    for (uint32_t i = 0; what != NULL && i < what->keys_count; i++) {
        if (what->keys[i].kind == kind) {
            return what->keys[i].value;
        }
    }
    return chek_bytes_view_of("", 0);
}

struct chek_bytes_view
chek__register_name(const struct chek_register *what)
{
    bool any = what != NULL && what->keys_count != 0;
    return any ? what->keys[0].value : chek_bytes_view_of("", 0);
}

uint16_t
chek__register_currency(const struct chek_register *what)
{
    return what != NULL && what->currency != 0 ? what->currency : RUN_CURRENCY_DEFAULT;
}

/* A copy that lives as long as the run. */
static int
registered_keep(struct chek__run *run, const struct chek_registered *what,
                struct chek_registered *ret)
{
    struct chek_fault fault;
    uint8_t *bytes = chek_arena_take(&run->kept, REGISTERED_SIZE_MAX);
    if (bytes == NULL) {
        return CHEK_E_LIMIT;
    }
    struct chek_writer out = chek_writer_over(bytes, REGISTERED_SIZE_MAX);
    chek_registered_encode(&out, what);
    return out.full ? CHEK_E_LIMIT
                    : chek_registered_decode_whole(bytes, out.size, &run->kept, ret, &fault);
}

static bool
is_known(const struct candidates *candidates, uint32_t registration)
{
    for (uint32_t i = 0; i < candidates->count && i < CANDIDATE_COUNT_MAX; i++) {
        if (candidates->list[i].registration == registration) {
            return true;
        }
    }
    return false;
}

/* Whether the key that fits is of the kind that was asked for. */
static bool
kind_fits(const struct candidates *candidates, const struct chek_registered *what)
{
    if (candidates->prefix == NULL || candidates->prefix->kind < 0) {
        return true;
    }
    for (uint32_t i = 0; i < what->profile->keys_count; i++) {
        const struct chek_register_key *key = &what->profile->keys[i];
        if (key->kind == candidates->prefix->kind &&
            chek_bytes_view_equal(key->value, candidates->value)) {
            return true;
        }
    }
    return false;
}

static int
on_registers(void *context, struct chek_bytes_view body)
{
    struct candidates *candidates = context;
    struct chek_registers answer;
    int error = CHEK__DECODE(candidates->run, registers, body, &answer);
    for (uint32_t i = 0; i < answer.registers_count && error == CHEK_OK; i++) {
        const struct chek_registered *what = &answer.registers[i];
        if (what->profile == NULL || !kind_fits(candidates, what) ||
            is_known(candidates, what->registration)) {
            continue;
        }
        if (candidates->count < CANDIDATE_COUNT_MAX) {
            error = registered_keep(candidates->run, what, &candidates->list[candidates->count]);
        }
        candidates->count += 1;
    }
    return error;
}

static int
ask(struct candidates *candidates, const struct chek_ask_registers *question)
{
    return chek__ask(candidates->run, CHEK_OPCODE_ASK_REGISTERS, ask_registers_encode, question,
                     on_registers, candidates);
}

static int
tell_none(struct chek__run *run, const char *name)
{
    char text[300];
    (void)snprintf(text, sizeof text, "no register is called '%.200s'", name);
    return chek__error(run, CHEK_E_NOT_FOUND, "kkm", text);
}

static int
tell_many(const struct candidates *candidates, const char *name)
{
    char text[1500];
    int size = snprintf(text, sizeof text, "'%.100s' fits %u registers:", name, candidates->count);
    for (uint32_t i = 0; i < candidates->count && i < CANDIDATE_COUNT_MAX; i++) {
        const struct chek_register *what = candidates->list[i].profile;
        struct chek_bytes_view key = chek__register_name(what);
        size += snprintf(text + size, sizeof text - (size_t)size, " #%u (%.*s, %.*s)",
                         candidates->list[i].registration, (int)key.size, (const char *)key.bytes,
                         (int)what->organisation.size, (const char *)what->organisation.bytes);
    }
    return chek__error(candidates->run, CHEK_E_AMBIGUOUS, "kkm", text);
}

int
chek__register_find(struct chek__run *run, const char *name, struct chek_registered *ret)
{
    struct candidates candidates = {.run = run, .value = chek_bytes_view_text(name)};
    uint64_t id = 0;
    int stop = CHEK_OK;

    for (size_t i = 0; i < CHEK_COUNT(prefixes); i++) {
        size_t size = strlen(prefixes[i].text);
        if (strncmp(name, prefixes[i].text, size) == 0) {
            candidates.prefix = &prefixes[i];
            candidates.value = chek_bytes_view_text(name + size);
        }
    }
    bool only_id = candidates.prefix != NULL && candidates.prefix->kind < 0;
    bool any = candidates.prefix == NULL;
    if (chek_decimal_read_u64(candidates.value, &id) != CHEK_OK || id > UINT32_MAX) {
        id = 0;
    }
    if (!only_id && candidates.value.size != 0) {
        struct chek_ask_registers question = {.key = candidates.value};
        stop = ask(&candidates, &question);
    }
    if (stop == CHEK_OK && (only_id || any) && id != 0) {
        struct chek_ask_registers question = {.registration = (uint32_t)id};
        stop = ask(&candidates, &question);
    }
    if (stop != CHEK_OK) {
        return stop;
    }
    if (candidates.count == 0) {
        return tell_none(run, name);
    }
    if (candidates.count > 1) {
        return tell_many(&candidates, name);
    }
    *ret = candidates.list[0];
    return CHEK_OK;
}
