/* SPDX-License-Identifier: MIT */
/*
 * kkm_run.h - one run of registers against a server, shared by the files that drive it.
 */
#ifndef CHEK_SIM_KKM_RUN_H
#define CHEK_SIM_KKM_RUN_H

#include "engine/base/writer.h"
#include "engine/partition/device.h"
#include "ingest/cpcr/kkm.pb-c.h"
#include "tests/sim/kkm_drive.h"
#include "tests/sim/peer_run.h"

#define TILL_COUNT 4
#define TILL_SHIFT_COUNT 3
#define TILL_DOCUMENT_COUNT 6 /* of a shift, its close not counted */
#define TILL_FRAME_SIZE 1024
#define TILL_ANSWER_SIZE 32768
#define SHOP_COUNT 2 /* organisations: devices by turns */
#define SHOP_CHANGE_COUNT 24
#define SHOP_FRAME_SIZE 16384

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

enum till_state { TILL_IDLE, TILL_DOCUMENT, TILL_REPEAT, TILL_PING, TILL_ASK, TILL_DONE };

/* Which one was sent last, and which one acknowledged. */
struct shop_number {
    uint32_t sent, told;
};

/* Whose list of goods: of all registers, of a point, of one register that is there. */
enum shop_whose { SHOP_ALL, SHOP_POINT, SHOP_REGISTER, SHOP_WHOSE_COUNT };

/* A list is loaded, and is the next version, or removed. */
struct shop_change {
    enum shop_whose whose;
    bool is_load;
};

/* An organisation's lists of goods and its operator's password. (kkm_shop.c) */
struct shop {
    struct shop_number list, password;
    struct shop_change changes[SHOP_CHANGE_COUNT + 1]; /* of lists, by their numbers */
};

struct till {
    struct kkm_run *run;
    struct peer_line line;
    uint32_t device;
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
    struct shop shop_told; /* when it asked for one of these */
    uint32_t list_version; /* that it said it has */
    bool asks_list, asks_wrong;
    uint32_t send_count;  /* of what it asks */
    uint32_t wrong_count; /* AUTH that may have been wrong, each as often as it was sent */
};

enum { /* what is counted */
       KKM_DOCUMENTS = PEER_OWN,
       KKM_REPEATS,
       KKM_PINGS,
       KKM_ASKS,
       KKM_LIMITED,
       KKM_Z
};

struct kkm_run {
    struct peer_run peer;
    /* The administrator who adds the registers, and then changes what their shops have. */
    struct peer_client admin;
    unsigned added_count;
    bool is_adding;
    uint64_t copy_ns; /* until when a change that was sent before may come again */
    struct shop shops[SHOP_COUNT];
    uint32_t shop; /* whose change is under way */
    bool is_list;
    unsigned change_count;
    struct till tills[TILL_COUNT];
};

/* kkm_till.c */
void till_begin(struct till *till, struct kkm_run *run, uint32_t device);
void till_step(struct till *till);
/* Repeat the document counted last, as after the end of everything. */
void till_repeat(struct till *till);

void till_frame_make(struct till *till, Ingest__Request *request, struct till_frame *ret);

/* kkm_shop.c */
struct chek_bytes_view shop_organisation(uint32_t device);
struct chek_bytes_view shop_point(uint32_t device);
/* The next change, or the one that nothing was heard of. False: there are enough. */
bool shop_change_encode(struct kkm_run *run, struct chek_writer *out, uint16_t *ret_opcode);
void shop_change_done(struct kkm_run *run, struct chek_bytes_view body);
/* Ask AUTH or NOMENCLATURE, and judge the answer. */
void shop_ask(struct till *till);
void shop_judge(struct till *till, const Ingest__Response *response);

#endif
