/* SPDX-License-Identifier: MIT */
/*
 * kkm_run.h - one run of registers against a server, shared by the files that drive it.
 */
#ifndef CHEK_SIM_KKM_RUN_H
#define CHEK_SIM_KKM_RUN_H

#include "engine/base/prng.h"
#include "engine/base/writer.h"
#include "engine/wire/protocol.h"
#include "tests/sim/kkm_drive.h"
#include "tools/server/server.h"

#define TILL_COUNT 4
#define TILL_SHIFT_COUNT 3
#define TILL_DOCUMENT_COUNT 6 /* of a shift, its close not counted */
#define TILL_FRAME_SIZE 1024
#define TILL_ANSWER_SIZE 8192
#define KKM_SHARD_COUNT_MAX 4

struct kkm_run;

struct till_frame {
    uint8_t bytes[TILL_FRAME_SIZE];
    size_t size;
};

/* What the register thinks of itself. */
struct till_figures {
    uint32_t counts[CHEK_OPERATION_COUNT]; /* of the shift */
    int64_t shift_sums[CHEK_OPERATION_COUNT];
    int64_t sums[CHEK_OPERATION_COUNT]; /* non-nullable */
    uint32_t totals[CHEK_OPERATION_COUNT];
    int64_t cash, revenue;
};

enum till_state { TILL_IDLE, TILL_DOCUMENT, TILL_REPEAT, TILL_PING, TILL_DONE };

struct till {
    struct kkm_run *run;
    uint32_t device;
    struct chek_world_client *link;
    bool lost;
    uint8_t carry[TILL_ANSWER_SIZE];
    size_t carry_size;
    enum till_state state;
    struct till_frame sent; /* waits for its answer */
    struct till_frame
        pending; /* a document whose answer was lost, while something is asked between */
    bool has_pending;
    struct till_frame last; /* the document counted last, and its answer without the head */
    uint8_t last_answer[TILL_ANSWER_SIZE];
    size_t last_answer_size;
    uint32_t token, token_before;
    uint16_t request;
    uint32_t shift, document;
    struct till_figures figures, next; /* next: when the document under way is counted */
    bool is_close;
};

struct kkm_run {
    struct kkm_result result;
    struct chek_world *world;
    unsigned machine;
    struct chek_prng prng;
    struct chek_server_config config;
    struct chek_server *server;
    struct chek_io *ios[KKM_SHARD_COUNT_MAX];
    unsigned shard_count, crashes_left;
    bool is_ready, has_stopped, is_ending;
    uint64_t moved_ns; /* when something was answered last */
    /* The administrator who adds the registers. */
    struct chek_world_client *admin;
    bool admin_lost, admin_is_in;
    uint8_t admin_carry[TILL_ANSWER_SIZE];
    size_t admin_size;
    unsigned added_count;
    bool is_adding;
    char token[80];
    struct till tills[TILL_COUNT];
};

__attribute__((format(printf, 2, 3))) void kkm_violate(struct kkm_run *run, const char *format,
                                                       ...);
uint64_t kkm_below(struct kkm_run *run, uint64_t bound);

/* kkm_till.c */
void till_begin(struct till *till, struct kkm_run *run, uint32_t device);
void till_step(struct till *till);
/* Repeat the document counted last, as after the end of everything. */
void till_repeat(struct till *till);
void till_drop(struct till *till);

/* kkm_drive.c: adds the registers one by one */
void kkm_admin_step(struct kkm_run *run);
void kkm_admin_drop(struct kkm_run *run);

#define KKM_ADDRESS "127.0.0.1:4000"
#define KKM_CPCR_ADDRESS "127.0.0.1:4001"

#endif
