/* SPDX-License-Identifier: MIT */
/*
 * kkm_build.h - messages of register.proto: their parts made in an arena, and read back. Inside the
 * room.
 *
 * A message is made of what the register made itself, so the arena is large enough by construction
 * and running out is a bug.
 */
#ifndef CHEK_KKM_BUILD_H
#define CHEK_KKM_BUILD_H

#include "engine/base/arena.h"
#include "engine/base/assertion.h"
#include "tools/kkm/kkm_totals.h"
#include "tools/kkm/register.pb-c.h"

static inline void *
kkm__take(struct chek_arena *arena, size_t size)
{
    void *bytes = chek_arena_take(arena, size);
    CHEK_ASSERT(bytes != NULL);
    return bytes;
}

/* A copy: texts of messages are not const. */
static inline char *
kkm__copy_text(struct chek_arena *arena, const char *text)
{
    size_t size = strlen(text) + 1;
    return memcpy(kkm__take(arena, size), text, size);
}

/* An empty list of `count` pointers to messages. */
static inline void *
kkm__list(struct chek_arena *arena, size_t count)
{
    return kkm__take(arena, count * sizeof(void *));
}

/* A new message in the arena, of a type of register.proto. */
#define KKM__NEW(arena, type, init) \
    ((type *)kkm__message_init(kkm__take((arena), sizeof(type)), &init##__descriptor))

static inline void *
kkm__message_init(void *at, const ProtobufCMessageDescriptor *descriptor)
{
    protobuf_c_message_init(descriptor, at);
    return at;
}

/* ---- zx: in kkm_zx.c -------------------------------------------------------------------------- */

Kkm__Money *kkm__money_make(struct chek_arena *arena, int64_t tiyn);
Kkm__DateTime *kkm__time_make(struct chek_arena *arena, int64_t time_s);

/*
 * A report of totals.
 *
 *   Ownership  lives in the arena
 */
Kkm__ZXReport *kkm__zx_make(struct chek_arena *arena, const struct chek_kkm_totals *totals,
                            int64_t now_s, bool has_zero_rows);

/*
 * Read a report. Rows that are not there are zero.
 *
 *   Errors     RANGE a number outside its range, an operation or payment type that there is not, a
 *              annulled ticket; LIMIT more rows than have room; DATE; TEXT; EXISTS a row given
 *              twice; *ret is undefined
 */
CHEK_MUST_USE int kkm__zx_read(const Kkm__ZXReport *report, struct chek_kkm_totals *ret);

#endif
