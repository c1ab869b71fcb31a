/* SPDX-License-Identifier: MIT */
/*
 * server_run.h - one run of the server in the simulator, shared by the files that drive it.
 *
 * A run has a machine with the server on it, clients that feed, ask and administrate, and a journal
 * that survives all of them. Clients act a little at every step of the world; what they learn goes
 * into the journal, which knows when two things that were learned cannot both be true.
 */
#ifndef CHEK_SIM_SERVER_RUN_H
#define CHEK_SIM_SERVER_RUN_H

#include "engine/base/memory.h"
#include "engine/store/cold.h"
#include "engine/wire/frame.h"
#include "tests/sim/server_drive.h"
#include "tests/sim/server_story.h"
#include "tests/sim/world.h"
#include "tools/server/server.h"
#include "tools/server/step.h"

#define RUN_SHARD_COUNT_MAX 4
#define RUN_PARTITION_COUNT_MAX 8
#define RUN_RANGE_COUNT_MAX 1024
#define RUN_FEEDER_COUNT 3
#define RUN_ASKER_COUNT 2
#define RUN_CLIENT_COUNT (RUN_FEEDER_COUNT + RUN_ASKER_COUNT + 2) /* administrator, verifier */
#define RUN_ROT_COUNT 3 /* places that are damaged at once */
#define RUN_ROT_PATH_SIZE 64
#define RUN_REQUEST_COUNT 8 /* in flight on a connection */
#define RUN_ITEM_COUNT 48   /* documents of a frame */
#define RUN_PRINCIPAL_COUNT 16
#define RUN_EVENT_COUNT 4096 /* of a partition */
#define RUN_CURSOR_SIZE 256
#define RUN_LISTED_MAX 512
#define RUN_PATIENCE_NS UINT64_C(60000000000) /* for any answer, a start, a stop */
#define RUN_PATIENCE_WORKS 1000 /* that a backup, or the snapshot of a stop, may wait for in turn */
#define RUN_VISIT_DOCUMENTS_MAX 20 /* that a shard reads in a step of a question */
#define RUN_CAPACITY_MAX (UINT64_C(1) << 40)
#define RUN_ADDRESS "127.0.0.1:4000"

struct run;
struct run_client;
struct run_request;

/* ---- the journal ------------------------------------------------------------------------------ */

/* What is known of a register. */
struct run_register {
    uint32_t registration; /* 0: not known yet */
    bool is_confirmed;     /* every shard knows it, not only the one that listed it */
    uint32_t low;          /* so many documents are there for certain */
    uint32_t high;         /* so many have been sent */
    bool acked[STORY_DOCUMENT_MAX];
    uint16_t sent_count[STORY_DOCUMENT_MAX];
    uint32_t conflict_count; /* acknowledged */
    uint32_t removed;        /* documents of a lower ordinal, as a list has told */
};

enum run_token_state { TOKEN_NONE, TOKEN_ASKED, TOKEN_KNOWN };

struct run_principal {
    enum run_token_state state;
    uint64_t known_ns;
    uint32_t number;
    char token[CHEK_TOKEN_TEXT_MAX];
    char name[24];
    uint32_t rights;
    int organisation; /* its scope, -1 = all */
    bool revoke_asked;
    uint64_t revoked_ns; /* when that was confirmed; 0 = it was not */
};

/* Events seen of a partition, by number. */
struct run_stream {
    struct run_event {
        uint64_t hash;
        uint32_t registration, ordinal;
        uint8_t kind;
    } events[RUN_EVENT_COUNT];
    uint32_t count; /* numbers 1..count were seen */
};

/* Where the sign of a marked receipt was written, the last times: all copies that are sent before
 * the first one is durable are logged, and it is the first that is acknowledged. */
struct run_place {
    char path[16][48];
    uint64_t offset[16];
    uint32_t count;
};

struct run_journal {
    struct run_register registers[STORY_REGISTER_COUNT];
    struct run_principal principals[RUN_PRINCIPAL_COUNT];
    uint32_t principal_count;
    struct run_stream streams[RUN_PARTITION_COUNT_MAX + 1];
    struct run_place *places; /* by mark */
    uint32_t place_count;
    /* Of a value of a buyer in an organisation. */
    uint8_t subjects[CHEK_PERSON_KIND_COUNT][9][STORY_ORGANISATION_COUNT][16];
#define RUN_PERSON_COUNT (CHEK_PERSON_KIND_COUNT * 9 * STORY_ORGANISATION_COUNT)
    struct run_erasure {
        bool asked;
        uint64_t known_ns;        /* when it was confirmed first; 0: it was not */
    } erasures[RUN_PERSON_COUNT]; /* in the order of `subjects` */
};

/* ---- clients ---------------------------------------------------------------------------------- */

enum run_item_kind {
    ITEM_DOCUMENT,   /* the next of the story, or one again */
    ITEM_CONFLICT,   /* another document under its keys */
    ITEM_MISSHAPEN,  /* refused for its shape */
    ITEM_NOT_KNOWN,  /* of a registration that there is not */
    ITEM_UNREADABLE, /* no record at all */
};

struct run_item {
    uint8_t kind;
    bool was_known; /* to be there, when it was sent */
    uint16_t at;    /* register */
    uint16_t document;
    uint16_t sent_count; /* before */
};

/* What a question is about and what came of it so far. */
struct run_question {
    unsigned at;   /* register */
    bool exact;    /* nobody feeds meanwhile */
    bool is_known; /* it had been claimed for certain */
    bool follow, from_start;
    uint32_t shift;
    bool closed_wanted;
    uint32_t low;         /* of the register, when it was asked */
    uint32_t after;       /* of a list: where the next page begins */
    uint32_t document;    /* asked for */
    uint32_t count;       /* answered so far */
    uint32_t page;        /* count_max of a page; 0 = all */
    uint32_t end;         /* entries certain behind the last one listed */
    uint32_t removed;     /* entries that the list says were removed */
    uint32_t removed_low; /* known to be, when it was asked */
    uint64_t listed[RUN_LISTED_MAX / 64];
    uint32_t seqs[RUN_PARTITION_COUNT_MAX + 1]; /* of events: the last number seen */
};

struct run_request {
    uint64_t id; /* 0: free */
    uint16_t opcode;
    bool is_busy; /* refused, to be sent again */
    uint64_t sent_ns;
    uint64_t offset; /* of a feed */
    struct run_item items[RUN_ITEM_COUNT];
    uint32_t item_count;
    unsigned principal; /* of token_add and token_revoke: index; of persons: whose */
    struct run_question question;
};

struct run_client {
    struct run *run;
    unsigned index;
    void (*act)(struct run_client *client); /* may send something */
    unsigned principal;                     /* index in the journal */
    struct chek_world_client *link;
    struct chek_splitter splitter;
    uint8_t *carry;
    bool lost, is_welcome, is_closing;
    uint64_t hello_ns;
    uint64_t id_next;
    struct run_request requests[RUN_REQUEST_COUNT];
    /* feeding */
    uint64_t offset_next, acknowledged;
    uint32_t next[STORY_REGISTER_COUNT]; /* document to be sent next */
    unsigned item_count_max, window;
    uint64_t wait_steps; /* after BUSY, or before a verification */
    bool is_busy;
    /* asking */
    char cursor[RUN_CURSOR_SIZE];
    uint32_t cursor_seqs[RUN_PARTITION_COUNT_MAX + 1];
    /* verifying */
    unsigned task, task_shift;
    bool task_sent;
};

/* A backup that is being received, on a machine of its own. */
struct run_backup {
    uint64_t row_count_min; /* documents that were certain when it was asked for */
    bool is_whole, is_spoilt;
    int handle; /* of the file being written, -1 = none */
    char name[64];
};

/* The heads that a partition's chain has shown, by ranges: they stay for ever. */
struct run_chain {
    uint64_t range_count; /* the most that were seen */
    struct chek_chain seen[RUN_RANGE_COUNT_MAX + 1];
};

struct run {
    struct server_run options;
    struct server_result result;
    struct chek_world *world;
    unsigned machine, twin; /* a second machine that gets copies of the first one's disk */
    unsigned copy, blank;   /* that gets backups; whose disk is empty */
    struct run_backup backup;
    struct chek_prng prng;
    struct chek_server *server;
    struct chek_io *ios[RUN_SHARD_COUNT_MAX];
    unsigned shard_count;
    bool is_ready, has_stopped, stop_asked;
    uint64_t started_ns, stop_asked_ns;
    int stop_error;
    uint64_t hashes[RUN_PARTITION_COUNT_MAX + 1]; /* at the orderly stop */
    struct run_chain chains[RUN_PARTITION_COUNT_MAX + 1];
    bool has_hashes;
    char admin_token[CHEK_TOKEN_TEXT_MAX];
    char address[CHEK_ADDRESS_TEXT_MAX];
    unsigned crashes_left, stops_left;
    unsigned failed_start_count;
    uint64_t manifest_failed_ns; /* since when no manifest is certain; 0: one is */
    struct chek_server_config config;
    uint64_t retention_us; /* 0: nothing is ever removed */
    struct chek_memory_counters baseline;
    struct story story;
    struct run_journal journal;
    struct chek_arena story_arena, arena; /* the second: while one answer is looked at */
    struct run_client clients[RUN_CLIENT_COUNT];
    bool is_verifying, is_verified; /* only the verifier asks */
    bool is_settling;               /* nobody begins anything */
    bool is_ending;
    bool is_rotten; /* stored rows are damaged: who asks for them may be refused */
    struct run_rot {
        char path[RUN_ROT_PATH_SIZE];
        uint64_t offset;
        uint8_t byte; /* as it should be */
    } rots[RUN_ROT_COUNT];
    unsigned rot_count;
    uint64_t ending_ns; /* what was asked before may still be answered with an old fault */
};

/* Remember what went wrong first. */
__attribute__((format(printf, 2, 3))) void run_violate(struct run *run, const char *format, ...);

/* Say what happens, in a run that is watched by somebody. */
__attribute__((format(printf, 2, 3))) void run_say(const struct run *run, const char *format, ...);

uint64_t run_below(struct run *run, uint64_t bound);
bool run_chance(struct run *run, uint64_t percent);

/* server_machine.c */
void run_retention_draw(struct run *run);
struct chek_server_config run_config_draw(struct run *run);
/* Keep the machine running: start it again when it is down, or when its server has ended. */
void run_machine_step(struct run *run);
/* Stop what there was and start again on the same disk. */
int run_restart(struct run *run);
void run_server_destroy(struct run *run);
/* Start a server; what is wrong with the start is a violation. */
int run_server_create(struct run *run, unsigned machine, unsigned shard_count,
                      struct chek_server **ret);
void run_crash_plan(struct run *run); /* the next one */
void run_stop_ask(struct run *run);

/* server_journal.c: each call says what was learned */
void run_learn_registration(struct run *run, unsigned at, uint32_t registration);
void run_learn_results(struct run_client *client, const struct run_request *request,
                       const struct chek_fed *fed);
/* At least so many documents of the register are there. */
void run_learn_low(struct run *run, unsigned at, uint32_t low);
/* One document as the server shows it. */
void run_learn_stored(struct run *run, unsigned at, const struct chek_stored *stored);
/* Whether an ordinal is that of a document, or of a fuller copy that may be there by now. */
bool run_is_copy(const struct run *run, unsigned at, uint32_t document, uint32_t ordinal);
/* A whole list: entries up to `end` were shown or are replaced. */
void run_learn_list(struct run *run, const struct run_question *question);
void run_learn_event(struct run *run, const struct chek_event_entry *entry);
/* Events of all partitions from the first to the last. */
void run_learn_events_complete(struct run *run);
int run_register_of(const struct run *run, uint32_t registration);
bool run_all_acked(const struct run *run);

/* server_client.c */
/* How long anything may take: workers are slow in some worlds. */
uint64_t run_patience_ns(const struct run *run);
void run_client_step(struct run_client *client);
void run_client_drop(struct run_client *client); /* the connection is gone, or has to go */
struct run_request *run_request_take(struct run_client *client, uint16_t opcode);
struct run_request *run_request_find(struct run_client *client, uint64_t id); /* NULL: none */
uint32_t run_request_count(const struct run_client *client);
/* Send what was encoded as the body of a request. */
void run_request_send(struct run_client *client, struct run_request *request,
                      const struct chek_writer *body);
struct chek_writer run_body_begin(struct run *run);

/* server_watch.c */
/* Bytes that the server gives to a connection: what is acknowledged must be durable. */
void run_watch(void *context, const struct chek_world_event *event);

/* server_feed.c */
void run_feed_act(struct run_client *client);
void run_feed_connected(struct run_client *client);
void run_feed_refused(struct run_client *client, struct run_request *request, int error);

/* server_ask.c: questions; each takes a request if one is free */
void run_ask_act(struct run_client *client);
void run_ask_list(struct run_client *client, unsigned at);
void run_ask_report(struct run_client *client, unsigned at, uint32_t shift, bool closed);
void run_ask_shifts(struct run_client *client, unsigned at);
void run_ask_sums(struct run_client *client, unsigned at);
void run_ask_registers(struct run_client *client);
void run_ask_events(struct run_client *client, bool from_start, bool follow);
/* A list, or the next page of one. */
void run_list_send(struct run_client *client, struct run_request *request);

/* server_verify.c */
void run_verify_act(struct run_client *client);
/* From now on only the verifier asks, after so many steps in silence. */
void run_verify_begin(struct run *run, uint64_t wait_steps);

/* server_answer.c */
void run_ask_answer(struct run_client *client, struct run_request *request,
                    const struct chek_frame *frame, bool last);
void run_ask_refused(struct run_client *client, struct run_request *request, int error);

/* server_report.c */
void run_learn_report(struct run *run, const struct run_question *question,
                      const struct chek_answer_report *answer, int error);
void run_learn_sums(struct run *run, const struct run_question *question,
                    const struct chek_sums_rows *rows);

/* server_backup.c */
void run_backup_begin(struct run *run);
void run_backup_answer(struct run_client *client, const struct chek_frame *frame);
/* Look at a backup that has become whole; between two steps of the world. */
void run_backup_step(struct run *run);

/* server_admin.c */
void run_admin_act(struct run_client *client);
void run_admin_answer(struct run_client *client, struct run_request *request,
                      const struct chek_frame *frame);
void run_admin_refused(struct run_client *client, struct run_request *request, int error);

/* server_person.c: each sends a request if one is free; false: it does not */
void run_person_erase(struct run_client *client);
void run_person_list(struct run_client *client);
bool run_person_ask(struct run_client *client);
void run_person_answer(struct run *run, struct run_request *request, const struct chek_frame *frame,
                       bool last);

/* server_rot.c: damage rows in files that the manifest names, and make them right again. */
void run_rot_begin(struct run *run);
void run_rot_end(struct run *run);

#endif
