/* SPDX-License-Identifier: MIT */
/*
 * shard.h - one shard of the server, shared by the files of this room.
 */
#ifndef CHEK_SERVER_SHARD_H
#define CHEK_SERVER_SHARD_H

#include "engine/base/prng.h"
#include "engine/partition/partition.h"
#include "engine/session/session.h"
#include "engine/store/cold.h"
#include "engine/store/merge.h"
#include "engine/store/view.h"
#include "ingest/feed.h"
#include "ingest/subject.h"
#include "persist/event_log.h"
#include "persist/log.h"
#include "persist/snapshot.h"
#include "query/query.h"
#include "tools/server/server.h"
#include "tools/server/step.h"

struct server__backup;
struct server__job;
struct server__cpcr;
struct server__ffd;
struct server__retain;

/* Kinds of messages between shards. */
enum server__message {
    SERVER_PART = 1,        /* struct chek_part: to its owner */
    SERVER_PART_DONE,       /* and back to its origin */
    SERVER_DIRECTORY_ASK,   /* struct server__change: to shard 0 */
    SERVER_DIRECTORY_TELL,  /* struct server__tell: to every other shard's copy */
    SERVER_DIRECTORY_TOLD,  /* and back */
    SERVER_DIRECTORY_DONE,  /* struct server__change: back to its origin */
    SERVER_VISIT,           /* struct chek_visit: to the owner of its partition */
    SERVER_VISITED,         /* and back */
    SERVER_GATHER,          /* struct server__gather_leaf: to a shard */
    SERVER_GATHERED,        /* and back */
    SERVER_WATCH,           /* struct server__watch: to a shard that may have events for it */
    SERVER_WATCHED,         /* and back */
    SERVER_STARTED,         /* struct server__shard: to shard 0, it listens or cannot */
    SERVER_STOP,            /* to every shard: drain */
    SERVER_QUIET,           /* to shard 0: nothing is left to do */
    SERVER_SNAPSHOT_ASK,    /* struct server__gather_leaf: to shard 0 */
    SERVER_SNAPSHOT_ANSWER, /* and back */
    SERVER_SNAPSHOT_WANTED, /* to shard 0: a shard's log has become long */
    SERVER_SNAPSHOT_BEGIN,  /* to every shard */
    SERVER_SNAPSHOT_STORED, /* struct server__snapshot: to shard 0 */
    SERVER_SNAPSHOT_NAMED,  /* to every shard: the manifest names the snapshot */
    SERVER_BACKUP_ASK,      /* struct server__backup: to shard 0, take a snapshot and keep it */
    SERVER_BACKUP_ANSWER,   /* and back: it is there, and stays */
    SERVER_BACKUP_RELEASE,  /* to shard 0: it need not stay any more */
    SERVER_BACKUP_RELEASED, /* and back */
    SERVER_JOB,             /* struct server__job: to the owner of its register */
    SERVER_JOB_DONE,        /* and back to its origin */
};

#define SERVER_TICKET_COUNT 65536 /* commands between append and apply, a power of two */
#define SERVER_CHANGE_COUNT 16    /* directory changes asked by one shard at once */
#define SERVER_GATHER_COUNT 64
#define SERVER_WATCH_COUNT 64
#define SERVER_FETCH_COUNT 16    /* visits and jobs of one shard that have rows read */
#define SERVER_PARKED_COUNT 4096 /* items of one shard that wait for rows */
#define CHEK_SERVER_VERSION "0.1"
#define SERVER_REGISTRATION_COUNT_MAX (4 * 1024 * 1024)

/* Views that are open at once in a shard, at most: as many workers read them. */
#define SERVER_PLACE_COUNT 2

/* A peer that does not take what it is sent, or does not go on, is closed after this when the server
 * stops: a service manager waits 90 seconds, and a snapshot is still to be written. */
#define SERVER_DRAIN_NS_MAX (UINT64_C(3) * 1000000000)

/* A place for a visit that a worker goes on with. */
struct server__place {
    struct server__shard *shard;
    struct chek_visit *visit; /* NULL: free */
    struct chek_view *view;
    struct chek_arena arena; /* of the visit that has the place */
    struct chek_op op;
    struct chek_visit_view shown;              /* to the worker */
    uint64_t state[CHEK_VISIT_STATE_SIZE / 8]; /* of the visit, before the worker */
    size_t arena_mark;                         /* before the worker */
    uint32_t spoilt_count;                     /* times that the view did not stay whole */
    bool holds_segments;                       /* so that none is merged away */
    enum chek_visit_next next;
};

/* What a shard remembers of a registration of its partitions, so that it need not ask them. */
enum server__registered {
    REGISTRATION_UNSEEN, /* nothing: it asks */
    REGISTRATION_COMING, /* its REGISTER command is under way */
    REGISTRATION_KNOWN,
};

struct server__registration {
    uint32_t number_last; /* a number above it was not applied yet */
    uint8_t state;        /* enum server__registered */
    bool has_numberless;  /* documents of it may be looked for by their signs */
    bool at_work;         /* a job of it is on its way through the log */
};

/* Who waits for a command that is on its way through the log. */
enum server__ticket_kind { TICKET_NONE, TICKET_PART, TICKET_CHANGE, TICKET_JOB };

struct server__ticket {
    void *owner;
    uint32_t index;
    uint8_t kind;
    bool is_held; /* no rows leave memory before it is applied: it may need some */
};

/* Rows that a worker reads: for a visit, a job, or the items that wait in front of a partition. */
struct server__fetch {
    struct chek_op op;
    struct chek_list link; /* free */
    struct server__ground *ground;
    struct chek_visit *visit; /* or */
    struct server__job *job;  /* or both NULL: for items */
    struct chek_cold cold;
};

/* An item that waits for rows, or behind one that does. */
struct server__parked {
    struct server__parked *next;
    struct chek_part *part;
    uint32_t index;
};

/* Erasures whose commands are in log files that are still there. */
struct server__erased {
    uint64_t count;
    uint64_t first_us; /* of the oldest */
};

/* Of this run, in the order of the log: those that are near each other, or came when all places were
 * taken, are complete together. */
#define SERVER_ERASING_GAP (UINT64_C(1) << 20)
struct server__erasing {
    uint32_t count;
    struct server__erasing_run {
        uint64_t lsn; /* behind the last one */
        uint64_t count, first_us;
    } runs[32];
};

/* A partition as its shard runs it. */
struct server__ground {
    struct chek_partition *partition;
    uint64_t seq_next;      /* of the next command to be appended */
    uint64_t time_us;       /* of the last one */
    struct chek_seal *seal; /* being encoded by a worker */
    struct chek_op seal_op;
    bool seal_waits;          /* it is encoded, and an image still needs its rows */
    struct chek_merge *merge; /* being made, waiting to be adopted, or being freed */
    struct chek_op merge_op;
    bool merge_waits;              /* until nobody holds the segments */
    bool merge_is_shown;           /* adopted, and views show what it replaced */
    uint32_t segments_held;        /* by workers that read their bytes */
    struct chek_segments segments; /* in files that the manifest on disk names */
    struct server__parked *parked_first, *parked_last;
    struct server__fetch fetch; /* for the first of these */
    bool fetch_waits;           /* there is too much in memory: it begins later */
    bool fetch_holds;           /* it counts in the shard's `cold_holds` */
    bool retain_stopped;        /* totals could not be proved: nothing is removed until a start */
    uint64_t keep_number;       /* of the segment that is being kept, as its file is named */
    uint32_t erasures_logged;   /* on their way through the log */
    struct server__erased erased_before; /* by the log that this start replayed */
    struct server__shard *shard;
};

/* A change of the directory under way. The asking shard owns it; shard 0 works on it. */
struct server__change {
    struct chek_message message;
    struct chek_list link; /* free, or shard 0's queue */
    void (*on_done)(struct server__shard *shard, struct server__change *change);
    void *asker;                  /* on_done's */
    struct chek_request *request; /* on_done's; NULL when abandoned */
    uint16_t origin;
    uint8_t kind; /* of command */
    int error;
    uint32_t principal;
    uint32_t told_count;
    uint32_t claimed_count;
    struct chek_claimed *claimed; /* CHEK_FRAME_RECEIPT_COUNT_MAX */
    uint8_t *body;                /* CHEK_FRAME_BODY_SIZE_MAX */
    size_t body_size;
    uint8_t secret[CHEK_TOKEN_SECRET_SIZE]; /* of a token being made; never leaves the origin */
    struct server__tell {
        struct chek_message message;
        struct server__change *change;
    } tells[CHEK_SHARD_COUNT_MAX];
};

/* Something asked of every shard at once, answered when all have answered. */
struct server__gather {
    struct chek_list link; /* free */
    void (*run)(struct server__shard *shard, struct server__gather *gather, unsigned index);
    void (*on_done)(struct server__shard *shard, struct server__gather *gather);
    struct chek_request *request; /* NULL when abandoned */
    void *asker;                  /* on_done's */
    uint16_t origin;
    uint32_t open_count;
    uint64_t question[2];
    uint8_t *answer; /* 64 KiB a shard, each written by its shard alone */
    uint64_t values[CHEK_SHARD_COUNT_MAX];
    struct server__gather_leaf {
        struct chek_message message;
        struct server__gather *gather;
    } leaves[CHEK_SHARD_COUNT_MAX];
};

/* Messages to a shard whose ring was full, in order. */
struct server__outbox {
    struct chek_message **messages;
    uint32_t capacity, first, count;
};

/* What a manifest says of one partition. */
struct server__entry {
    uint64_t partition_seq;
    uint64_t number;         /* of the snapshot that its image belongs to */
    struct chek_chain chain; /* as far as the image has it */
    struct chek_segments segments;
};

/* A segment that is not in a file yet. */
struct server__segment_file {
    uint64_t number;
    struct chek_bytes_view bytes;
};

/* Which manifest a start would find after an attempt to write one. */
enum server__manifest_state { MANIFEST_AS_BEFORE, MANIFEST_STORED, MANIFEST_UNKNOWN };

/* What the next turn does for the partition at work, when no worker is at work. */
enum server__snapshot_phase { SNAPSHOT_NEXT, SNAPSHOT_MARK, SNAPSHOT_WRITE };

/* A shard's walk over its partitions. */
struct server__snapshot {
    struct chek_message message;
    struct chek_op op; /* of a worker, which has everything below `partition` while it runs */
    struct server__shard *shard;
    uint64_t number;
    uint64_t lsn;                /* the shard's log below it is in the snapshot */
    struct chek_log_known known; /* what the manifest then says of the shard's log */
    enum server__snapshot_phase phase;
    bool running;
    uint32_t partition; /* the one at work */
    int error;
    struct chek_partition_heaps heaps, heaps_before;
    struct chek_immutable_file file; /* of its image */
    bool file_is_open, image_is_whole;
    bool segments_are_held;
    uint8_t *buffer; /* a piece of the image */
    size_t buffer_size, buffer_capacity;
    struct chek_segments segments;      /* that the image belongs to */
    struct server__segment_file *files; /* those of them that are to be written, before the image */
    uint32_t file_count, file_capacity;
};

struct server__counters {
    uint64_t applied_count, appended_count, repeat_count;
    uint64_t visit_cold_count, item_cold_count, job_cold_count; /* that had to wait for rows */
    uint64_t scrub_size, scrub_pass_count;
    uint64_t login_wrong_count, login_limited_count; /* AUTH: wrong, and not looked at any more */
    struct chek_waits report_runs;                   /* of X and Z, at the owner of the register */
};

/* Counts of a moment, for rates. */
struct server__pace {
    uint64_t at_ns; /* 0: never */
    uint64_t stored_count, request_count, received_size;
};

struct server__shard {
    struct chek_server *server;
    struct chek_io *io;
    unsigned index;
    struct chek_log *log;
    struct chek_event_log *events; /* the folder's */
    struct server__watch *watches;
    struct chek_list watches_free;
    uint8_t *watch_memory;
    size_t watch_memory_size;
    struct chek_session_host *sessions;
    struct chek_feed_host *feeds;
    struct chek_query_host *queries;
    struct server__place places[SERVER_PLACE_COUNT];
    uint8_t *place_memory;           /* of their arenas */
    struct chek_list visits_wait;    /* for a place, in the order in which they came */
    struct chek_directory *copy;     /* NULL on shard 0, where partition 0 itself is read */
    struct server__ground **grounds; /* by partition number; NULL when another shard's */
    struct chek_list intake;         /* parts that wait for room in the log */
    struct server__ticket *tickets;
    uint32_t ticket_first, ticket_count;
    uint64_t *credits; /* bytes under way to each shard */
    uint64_t wall_us;  /* the time of the commands that are being appended */
    struct server__registration *registrations; /* by registration; touched as they come */
    struct chek_list changes_free;
    struct server__change *changes;
    struct chek_list changes_wait;     /* shard 0: asked, not begun */
    struct server__change *change_now; /* shard 0: one at a time */
    bool change_appended;
    struct chek_list gathers_free;
    struct server__gather *gathers;
    struct server__outbox *outboxes;
    struct chek_arena arena;  /* a step of a visit, a change */
    struct chek_arena decode; /* a change told to the copy */
    struct chek_arena ahead;  /* documents about to be applied */
    struct chek_prng prng;    /* entropy of envelopes, seeded by the io room */
    struct server__counters counters;
    struct server__pace paces[2]; /* [0] the one before */
    struct server__steps steps;
    struct chek_message life;   /* started, quiet */
    struct chek_message wanted; /* a snapshot */
    bool wanted_posted;
    struct chek_op flush_op;
    struct chek_op memory_op;
    struct chek_memory_ahead memory_ahead;
    unsigned memory_next;         /* partition whose heap is looked at next */
    struct chek_store_pool *pool; /* of its stores; the folder's */
    struct server__snapshot snapshot;
    struct server__backup *backup; /* of one of its connections, or NULL */
    struct chek_cold cold;         /* of the question at hand */
    struct server__fetch *fetches; /* SERVER_FETCH_COUNT, for visits and jobs */
    struct chek_list fetches_free;
    struct chek_list visits_cold, jobs_cold; /* wait for one of these */
    struct server__parked *parked, *parked_free;
    uint32_t parked_count;     /* that wait */
    uint32_t fetch_wait_count; /* grounds that do */
    uint32_t cold_holds;       /* who needs that no rows leave memory */
    struct chek_cold leaving;  /* rows that do; a worker's */
    struct chek_op leave_op;
    struct chek_scrub scrub; /* a worker's while `scrub_runs` */
    struct chek_op scrub_op;
    bool scrub_runs;
    unsigned scrub_ground;         /* whose rows are compared */
    unsigned leave_next;           /* whose turn it is to let some go */
    unsigned leave_ground;         /* whose rows leave */
    uint32_t seal_count;           /* at work */
    unsigned seal_next;            /* whose turn it is */
    struct server__retain *retain; /* retain.h; NULL: nothing is ever removed */
    struct server__erasing erasing;
    bool seals_behind; /* a set had to wait for another: no calm work until none is left */
    bool is_merging;   /* one partition at a time, so that workers stay free for sealing */
    uint64_t merge_count;
    bool started, stopping, quiet;
    bool log_is_over; /* the last snapshot was begun: nothing is appended any more */
    int start_error;
    struct server__job *jobs; /* of registers: kkm.h */
    uint8_t *job_memory;
    uint32_t job_count, job_open_count;
    struct chek_list jobs_free;
    struct chek_list jobs_wait; /* for room in the log, or for their register */
    struct server__cpcr *cpcr;  /* NULL: registers are not served */
    uint16_t cpcr_port;
    struct server__ffd *ffd; /* of Russia; NULL: not served */
    uint16_t ffd_port;
    uint16_t metrics_port;
    struct server__metrics *metrics;
    struct chek_op poll_op; /* asks whether to stop */
    uint16_t port;
    /* Shard 0's. */
    uint32_t started_count, quiet_count, snapshot_open_count;
    int snapshot_error;
    enum server__manifest_state manifest_state; /* after the worker's attempt */
    bool snapshot_is_last;                      /* everything is quiet: the server ends with it */
    bool snapshot_wanted;                       /* by a shard, while none could be begun */
    struct server__backup *backup_waiting;      /* for a snapshot, or for its own end */
    bool backup_holds;                          /* no snapshot is begun until it is over */
    struct chek_message snapshot_messages[CHEK_SHARD_COUNT_MAX];
    struct chek_message named_messages[CHEK_SHARD_COUNT_MAX];
    struct chek_op manifest_op;
    struct chek_list snapshot_waiting; /* of gathers whose asker waits for a snapshot */
    uint8_t *memory;                   /* of changes and gathers */
    size_t memory_size;
};

/* server.c: what all shards share; set at the start, or guarded by being written once */
unsigned server__shard_of(const struct chek_server *server, uint16_t partition);
unsigned server__shard_count(const struct chek_server *server);
const struct chek_server_config *server__config(const struct chek_server *server);
const struct chek_subject_key *server__subject_key(const struct chek_server *server);
void server__folder_id(const struct chek_server *server, uint64_t ret[2]);
struct server__shard *server__shard(struct chek_server *server, unsigned index);
const struct server__shard *server__shard_read(const struct chek_server *server, unsigned index);
/* The log of some shard failed, or the manifest; seen by all at their next turn. */
void server__latch(struct chek_server *server);
bool server__is_latched(const struct chek_server *server);
/* True for the first caller only. */
bool server__end_once(struct chek_server *server);

/* shard.c */
CHEK_MUST_USE int server__shard_init(struct server__shard *shard, struct chek_server *server,
                                     struct chek_io *io, unsigned index);
void server__shard_finish(struct server__shard *shard);
void server__post(struct server__shard *shard, unsigned to, uint16_t kind,
                  struct chek_message *message);
const struct chek_directory *server__directory(struct server__shard *shard);

/* intake.c */
void server__intake(struct server__shard *shard, struct chek_part *part);
void server__intake_run(struct server__shard *shard);
/* Go on with the items that wait in front of a partition: the first one has its rows, or none of
 * them can be had. */
void server__parked_fetched(struct server__ground *ground);
void server__on_durable(void *context, const struct chek_log_command *commands, uint32_t count);
void server__on_durable_end(void *context, uint64_t lsn);
/*
 * Append one command with its ticket. False: the log has no room now; nothing happened. True with
 * *ret_error: it was appended (CHEK_OK) or it cannot be.
 */
bool server__append(struct server__shard *shard, struct server__ground *ground,
                    const struct chek_envelope *envelope, struct chek_bytes_view body,
                    const struct server__ticket *ticket, int *ret_error);
void server__part_done(struct server__shard *shard, struct chek_part *part);
void server__part_back(struct server__shard *shard, struct chek_part *part);
bool server__has_credit(void *context, unsigned to, size_t size);
void server__submit(void *context, struct chek_part *part);

/* suspect.c: what is found out about an item before it is logged. */
enum server__suspicion {
    ITEM_IS_NEW,         /* as far as a look at numbers tells */
    ITEM_MAY_MATCH,      /* applying it will look at sealed rows, which are in memory */
    ITEM_REPEATS,        /* it is answered */
    ITEM_REPEATS_LOGGED, /* and it has to be logged; whom it names is known, or was erased */
    ITEM_IS_COLD,        /* rows that it would be compared with are not in memory: shard->cold */
};

/* Learn what a partition knows of a register, the first time that it is spoken of. */
void server__registration_learn(struct server__shard *shard, const struct server__ground *ground,
                                uint32_t registration);

/*
 * Find out whether a document repeats one that was applied: it is answered now and leaves no trace
 * in the log. What is on its way through the log is not looked at: its repeat goes the same way
 * behind it. So does the document of a numbered stream, whose offset has to be kept, and one that
 * brings a person along; what applying them will need is looked at here all the same.
 */
enum server__suspicion server__suspect(struct server__shard *shard,
                                       const struct server__ground *ground,
                                       const struct chek_part_item *item, struct chek_result *ret);

/* cold_flow.c: rows that are not in memory */
CHEK_MUST_USE int server__cold_init(struct server__shard *shard);
void server__cold_finish(struct server__shard *shard);
void server__cold_turn(struct server__shard *shard);
bool server__cold_is_idle(const struct server__shard *shard);
/* Have the rows read that a visit met the lack of (shard->cold), then go on with it. */
void server__visit_fetch(struct server__shard *shard, struct chek_visit *visit);
/* Say in a refusal which rows cannot be read. */
void server__visit_rotten(struct chek_visit *visit, const struct chek_cold *cold);
/* Read what `shard->cold` wishes for, then server__parked_fetched(). */
void server__cold_fetch(struct server__ground *ground);
/* Whether any rows of the shard are not in memory. */
bool server__cold_is_there(const struct server__shard *shard);
/* Keep what is in memory there, when there is a reason to; true: until server__cold_release(). */
bool server__cold_hold(struct server__shard *shard, bool must);
void server__cold_release(struct server__shard *shard);

/* scrub.c: rows in files are compared with their sums, slowly, for ever */
void server__scrub_turn(struct server__shard *shard);
void server__scrub_finish(struct server__shard *shard);

/* change.c */
/* A free change; NULL: too many under way. */
struct server__change *server__change_take(struct server__shard *shard);
void server__change_give(struct server__shard *shard, struct server__change *change);
void server__change_ask(struct server__shard *shard, struct server__change *change);
void server__change_message(struct server__shard *shard, struct chek_message *message);
void server__change_run(struct server__shard *shard);
void server__change_applied(struct server__shard *shard, struct server__change *change,
                            const struct chek_outcome *outcome);
bool server__claim(void *context, struct chek_feed_frame *frame, struct chek_bytes_view claim);

/* visits.c */
CHEK_MUST_USE int server__visits_init(struct server__shard *shard);
void server__visits_finish(struct server__shard *shard); /* no worker runs any more */
/* A visit came, or goes on. */
void server__visit(struct server__shard *shard, struct chek_visit *visit);
/* Run a step of a visit; false: it met rows that are not in memory, and is as it was before. */
bool server__visit_try(struct server__shard *shard, struct chek_visit *visit,
                       struct chek_cold *cold, enum chek_visit_next *ret);
/* A step was run: have what follows. */
void server__visit_next(struct server__shard *shard, struct chek_visit *visit,
                        enum chek_visit_next next);

/* gather.c */
struct server__gather *server__gather_take(struct server__shard *shard);
void server__gather_give(struct server__shard *shard, struct server__gather *gather);
void server__gather_begin(struct server__shard *shard, struct server__gather *gather);
void server__gather_message(struct server__shard *shard, struct chek_message *message);
void server__on_hello(void *context, struct chek_request *request, uint64_t acknowledged);

/* seal.c */
void server__seals_begin(struct server__shard *shard); /* of any partition that has a full set */
void server__seal_check(struct server__shard *shard, struct server__ground *ground);
/* An image of the partition is over: adopt what waited for that. */
void server__seal_adopt(struct server__ground *ground);
/* A view of the partition was closed: free what only it showed. */
void server__view_closed(struct server__ground *ground);
/* Begin a merge of segments unless one is under way. */
void server__merge_check(struct server__shard *shard);
/*
 * Hold the segments of a partition, so that a worker may read their bytes: what is merged
 * meanwhile is adopted when the last one lets go.
 */
void server__segments_hold(struct server__ground *ground);
void server__segments_release(struct server__ground *ground);
/* Drop what is being encoded or merged. No worker runs any more. */
void server__seals_finish(struct server__shard *shard);

/* Have a worker populate the memory that the shard's stores will use next. */
void server__memory_turn(struct server__shard *shard);

/* life.c */
void server__shard_start(struct server__shard *shard);
void server__life_turn(struct server__shard *shard);
void server__life_message(struct server__shard *shard, struct chek_message *message);
void server__on_latch(void *server, int error);
/* Tell the owner once how it ended. */
void server__end(struct chek_server *server, int error);

/* snapshot_flow.c; begin and wait on shard 0 only */
/* False: one is running already, or a backup copies the last one. */
bool server__snapshot_begin(struct server__shard *zero);
/* What kept a snapshot from being begun is over: begin one if somebody wants it. */
void server__snapshot_again(struct server__shard *zero);
void server__snapshot_message(struct server__shard *shard, struct chek_message *message);

/* snapshot_walk.c: the partitions of a shard, ending with a message SERVER_SNAPSHOT_STORED */
CHEK_MUST_USE int server__walk_init(struct server__shard *shard);
/* Free what is being stored. No worker runs any more. */
void server__walk_finish(struct server__shard *shard);
void server__walk_begin(struct server__shard *shard);
void server__walk_turn(struct server__shard *shard); /* one step of a walk, if there is one */

/* backup.c */
void server__backup_ask(void *context, struct chek_request *request, struct chek_bytes_view body);
void server__backup_on_abandon(void *context, struct chek_request *request);
void server__backup_on_room(void *context, struct chek_request *request);
void server__backup_message(struct server__shard *shard, struct chek_message *message);
/* Shard 0: a snapshot has ended. The backup that waits for one has it, and holds it. */
void server__backup_snapshot(struct server__shard *zero, int error);
/* Free one that was cut short. No worker runs any more. */
void server__backup_finish(struct server__shard *shard);

/* manifest_flow.c: the manifest in memory */
struct server__entry *server__snapshot_entry(struct chek_server *server, uint32_t partition);
/* Begin a snapshot unless one is running; its number. */
bool server__snapshot_open(struct chek_server *server);
void server__snapshot_close(struct chek_server *server, int error);
uint64_t server__snapshot_number(const struct chek_server *server);
uint64_t server__snapshot_count(const struct chek_server *server);
/*
 * Make the names of new files durable, then write the manifest with the entries as they are. An
 * error leaves the manifest of before, or MANIFEST_UNKNOWN: then the server stops. Threads: a worker.
 */
CHEK_MUST_USE int server__manifest_write(struct chek_server *server, struct chek_io *io,
                                         enum server__manifest_state *ret_state);
/* Remove the files that the manifest does not name any more. Threads: a worker. */
CHEK_MUST_USE int server__manifest_tidy(struct chek_server *server, struct chek_io *io);

/* admin.c */
void server__token_add(void *context, struct chek_request *request, struct chek_bytes_view body);
void server__token_revoke(void *context, struct chek_request *request, struct chek_bytes_view body);
void server__change_on_abandon(void *context, struct chek_request *request);
void server__tokens(void *context, struct chek_request *request, struct chek_bytes_view body);
void server__tokens_on_room(void *context, struct chek_request *request);
void server__snapshot_ask(void *context, struct chek_request *request, struct chek_bytes_view body);
void server__gather_on_abandon(void *context, struct chek_request *request);

/* status.c: note counts for rates, in every turn; the run of a gather of status rows, and all of them put together in shard->arena */
void server__pace_turn(struct server__shard *shard, uint64_t now_ns);
void server__status_run(struct server__shard *shard, struct server__gather *gather, unsigned index);
struct chek_status_items server__status_join(struct server__shard *shard,
                                             struct server__gather *gather);
void server__ask_status(void *context, struct chek_request *request, struct chek_bytes_view body);
void server__ask_chains(void *context, struct chek_request *request, struct chek_bytes_view body);

/* person_admin.c */
/* For questions: the subject of a value, and what opens values. */
int server__subject_of(void *shard, struct chek_bytes_view organisation, uint8_t kind,
                       struct chek_bytes_view value, uint8_t ret[16]);
struct chek_visit_persons server__persons(const struct chek_server *server);
/* The command of an erasure is durable, and its time. */
void server__erasure_note(struct server__shard *shard, uint64_t lsn, uint64_t time_us);
/* Images of before the newest snapshot are gone, log files of earlier runs, and of this run those
 * below `lsn`. */
void server__erasures_complete(struct server__shard *shard, uint64_t lsn);
/* What is not complete. */
struct server__erased server__erasures_open(const struct server__shard *shard);

/* event_flow.c */
void server__on_event(void *context, uint16_t partition, uint64_t event_seq,
                      const struct chek_event *event);
void server__events_turn(struct server__shard *shard);
void server__ask_events(void *context, struct chek_request *request, struct chek_bytes_view body);
void server__events_on_abandon(void *context, struct chek_request *request);
void server__events_on_room(void *context, struct chek_request *request);

#endif
