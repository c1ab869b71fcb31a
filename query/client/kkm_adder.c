/* SPDX-License-Identifier: MIT */
#include "query/client/kkm_adder.h"

#define BODY_SIZE_MAX 4096
#define ARENA_SIZE 1024 /* of an answer, which holds two numbers */

/* Take one frame, whoever's it is. */
static int
answer_take(struct chek_kkm_adder *adder)
{
    struct chek_client_answer answer;
    struct chek_kkm_added added;
    struct chek_fault fault;
    int come = chek_client_receive(adder->client, CHEK_CLIENT_TIMEOUT_FOREVER, &answer);
    if (come < 0) {
        return come;
    }
    for (unsigned i = 0; come == 1 && i < CHEK_KKM_ADDER_WINDOW; i++) {
        if (!adder->rows[i].is_open || adder->rows[i].frame_id != answer.frame_id) {
            continue;
        }
        adder->rows[i].is_open = false;
        if (answer.refused) {
            return adder->on_added(adder->context, adder->rows[i].number, NULL,
                                   chek_client_failure(adder->client));
        }
        uint8_t bytes[ARENA_SIZE];
        struct chek_arena arena;
        chek_arena_init_over(&arena, bytes, sizeof bytes);
        int error = chek_kkm_added_decode_whole(answer.body.bytes, answer.body.size, &arena, &added,
                                                &fault);
        return error == CHEK_OK
                   ? adder->on_added(adder->context, adder->rows[i].number, &added, NULL)
                   : error;
    }
    return CHEK_OK;
}

/* A place for one that is on its way; CHEK_KKM_ADDER_WINDOW: there is none. */
static unsigned
place_find(const struct chek_kkm_adder *adder, bool is_open)
{
    unsigned i = 0;
    while (i < CHEK_KKM_ADDER_WINDOW && adder->rows[i].is_open != is_open) {
        i += 1;
    }
    return i;
}

int
chek_kkm_adder_add(struct chek_kkm_adder *adder, uint64_t number, const struct chek_kkm_add *what)
{
    uint8_t body[BODY_SIZE_MAX];
    struct chek_writer out = chek_writer_over(body, sizeof body);
    chek_kkm_add_encode(&out, what);
    if (out.full) {
        return CHEK_E_LIMIT;
    }
    unsigned place;
    while ((place = place_find(adder, false)) == CHEK_KKM_ADDER_WINDOW) {
        int error = answer_take(adder);
        if (error != CHEK_OK) {
            return error;
        }
    }
    int error = chek_client_send(adder->client, CHEK_OPCODE_KKM_ADD,
                                 chek_bytes_view_of(body, out.size), &adder->rows[place].frame_id);
    if (error == CHEK_OK) {
        adder->rows[place].number = number;
        adder->rows[place].is_open = true;
    }
    return error;
}

int
chek_kkm_adder_finish(struct chek_kkm_adder *adder)
{
    int error = CHEK_OK;
    while (error == CHEK_OK && place_find(adder, true) != CHEK_KKM_ADDER_WINDOW) {
        error = answer_take(adder);
    }
    return error;
}
