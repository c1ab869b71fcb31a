/* SPDX-License-Identifier: MIT */
/*
 * fn_run.h - one run of fiscal drives against a server, shared by the files that drive it.
 */
#ifndef CHEK_SIM_FN_RUN_H
#define CHEK_SIM_FN_RUN_H

#include "engine/base/prng.h"
#include "engine/wire/protocol.h"
#include "tests/sim/fn_drive.h"
#include "tools/server/server.h"

#define FN_COUNT 3
#define FN_DOCUMENT_COUNT 16
#define FN_MESSAGE_SIZE 1024
#define FN_ANSWER_SIZE 512
#define FN_LIST_SIZE 65536
#define FN_SHARD_COUNT_MAX 4

#define FN_ADDRESS "127.0.0.1:4000"
#define FN_FFD_ADDRESS "127.0.0.1:4002"

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
    char number[20];
    struct fn_document documents[FN_DOCUMENT_COUNT];
    uint32_t next; /* the document that is due */
    struct chek_world_client *link;
    bool lost;
    enum fn_state state;
    uint32_t asked;       /* which document is under way */
    struct fn_bytes sent; /* waits for its answer */
    uint8_t carry[FN_ANSWER_SIZE];
    size_t carry_size;
};

struct fn_run {
    struct fn_result result;
    struct chek_world *world;
    unsigned machine;
    struct chek_prng prng;
    struct chek_server_config config;
    struct chek_server *server;
    struct chek_io *ios[FN_SHARD_COUNT_MAX];
    unsigned shard_count, crashes_left;
    bool is_ready, has_stopped, is_ending, is_calm;
    uint64_t moved_ns; /* when something was answered last */
    struct fn_device devices[FN_COUNT];
    /* Who asks for the list of a drive at the end. (fn_list.c) */
    struct chek_world_client *reader;
    uint8_t list[FN_LIST_SIZE];
    size_t list_size;
    uint32_t seen_count[FN_DOCUMENT_COUNT];
    uint32_t listed; /* the drive whose list is under way */
    bool is_listed, is_refused, reader_lost;
    char token[80];
};

__attribute__((format(printf, 2, 3))) void fn_violate(struct fn_run *run, const char *format, ...);
uint64_t fn_below(struct fn_run *run, uint64_t bound);

/* fn_device.c */
void fn_device_begin(struct fn_device *device, struct fn_run *run, uint32_t index);
void fn_device_step(struct fn_device *device);
void fn_device_drop(struct fn_device *device);
/* Send a document that was acknowledged once more. */
void fn_device_repeat(struct fn_device *device, uint32_t index);
/* Whether the engine keeps documents of this code. */
bool fn_is_kept(uint16_t code);

/* fn_list.c: go on asking for the list of run->listed; is_listed when it was judged. */
void fn_list_step(struct fn_run *run);
void fn_list_drop(struct fn_run *run);

#endif
