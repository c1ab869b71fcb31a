/* SPDX-License-Identifier: MIT */
/*
 * fn_run.h - one run of fiscal drives against a server, shared by the files that drive it.
 */
#ifndef CHEK_SIM_FN_RUN_H
#define CHEK_SIM_FN_RUN_H

#include "tests/sim/fn_drive.h"
#include "tests/sim/peer_run.h"

#define FN_COUNT 3
#define FN_DOCUMENT_COUNT 16
#define FN_MESSAGE_SIZE 1024

struct fn_run;

struct fn_bytes {
    uint8_t bytes[FN_MESSAGE_SIZE];
    size_t size;
};

/* A document of a drive; its number is its place + 1. */
struct fn_document {
    uint16_t code;
    uint32_t time;
    int64_t total; /* of a receipt */
    struct fn_bytes message;
    struct fn_bytes answer; /* the first one; empty: it is not acknowledged */
};

enum fn_state { FN_IDLE, FN_DOCUMENT, FN_REPEAT, FN_OTHER, FN_PING, FN_DONE };

struct fn_device {
    struct fn_run *run;
    struct peer_line line;
    char number[20];
    struct fn_document documents[FN_DOCUMENT_COUNT];
    uint32_t next; /* the document that is due */
    enum fn_state state;
    uint32_t asked;       /* which document is under way */
    struct fn_bytes sent; /* waits for its answer */
};

enum { /* what is counted */
       FN_DOCUMENTS = PEER_OWN,
       FN_REPEATS,
       FN_OTHERS,
       FN_PINGS,
       FN_LISTED
};

struct fn_run {
    struct peer_run peer;
    struct fn_device devices[FN_COUNT];
    /* Who asks for the list of a drive at the end. (fn_list.c) */
    struct peer_client reader;
    uint32_t seen_count[FN_DOCUMENT_COUNT];
    uint32_t listed; /* the drive whose list is under way */
    unsigned answers_left;
    bool is_listed;
};

/* fn_device.c */
void fn_device_begin(struct fn_device *device, struct fn_run *run, uint32_t index);
void fn_device_step(struct fn_device *device);
/* Send a document that was acknowledged once more. */
void fn_device_repeat(struct fn_device *device, uint32_t index);
/* Whether the engine keeps documents of this code. */
bool fn_is_kept(uint16_t code);

/* fn_list.c: ask for the list of every drive, one after the other, and judge it. */
void fn_lists_begin(struct fn_run *run);
void fn_lists_judge(struct fn_run *run);

#endif
