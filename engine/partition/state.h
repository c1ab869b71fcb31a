/* SPDX-License-Identifier: MIT */
/*
 * state.h - a partition's root object and run-time parts, shared by the files of this room.
 */
#ifndef CHEK_PARTITION_STATE_H
#define CHEK_PARTITION_STATE_H

#include <errno.h>

#include "engine/base/checksum.h"
#include "engine/base/cursor.h"
#include "engine/base/writer.h"
#include "engine/partition/nomenclature.h"
#include "engine/partition/operator.h"
#include "engine/partition/partition.h"

/* The root object of the heap. (format) */
struct partition__root {
    uint64_t seq;          /* last command applied */
    uint64_t time_us;      /* highest envelope time */
    uint64_t event_seq;    /* last event made */
    chek_page_ref devices; /* a struct chek_page_map: registration -> struct partition__device */
    chek_page_ref organisations;   /* a struct partition__organisations; 0: they have nothing */
    struct chek_page_map sources;  /* source -> reference of struct partition__source */
    struct chek_page_map subjects; /* first half of a subject id -> struct partition__subject */
    struct chek_fiscal_root fiscal;
    chek_page_ref retention; /* a struct partition__retention; 0: nothing was removed */
    chek_page_ref erasures;  /* a struct partition__erasures; 0: nobody was erased */
};

/* What was removed: the documents of the first rows. (format) */
struct partition__retention {
    uint64_t border_us; /* those received before it */
    uint64_t row_count; /* of the store, closes too */
};

/* How far a source's stream has been applied here. (format) */
struct partition__source {
    uint64_t source;
    uint64_t offset;
};

/* A personal value, encrypted; the object goes on with `size` bytes. (format) */
struct partition__subject {
    uint8_t subject[16];
    uint32_t size;
    uint8_t zero[12];
};

/* Who was erased. (format) */
struct partition__erasures {
    struct chek_page_map subjects; /* first half of a subject id -> struct partition__erasure */
    chek_page_ref newest;          /* the one made last */
    uint32_t zero;
};

/* That a subject's value was erased; it may have come back since. (format) */
struct partition__erasure {
    uint8_t subject[16];
    uint64_t erased_us;   /* the last time */
    chek_page_ref before; /* made before this one; 0: none */
    uint8_t organisation_size;
    uint8_t zero[3];
    uint8_t organisation[32]; /* zeros behind the text */
};
_Static_assert(sizeof(struct partition__erasure) == 64, "format");

/* What of a device's documents outlives a shift. */
struct partition__device_totals {
    uint64_t tickets[CHEK_OPERATION_COUNT];
    uint64_t movements[CHEK_DIRECTION_COUNT];
};

/* The exchange that was counted last: what a repeat of it is answered from. */
struct partition__exchange {
    uint64_t count; /* the number of the token that it came with, */
    uint32_t resets;
    uint16_t request;
    uint8_t command;
    uint8_t is_there;
    uint64_t digest;
    uint64_t sign;
    int64_t time;
    int64_t total;
    uint32_t ordinal;
    uint32_t shift;
    uint32_t mask; /* of that token */
    uint32_t zero;
};

/* A register that speaks its country's protocol. (format) */
struct partition__device {
    uint32_t registration;
    uint32_t number; /* that the register sends */
    uint32_t resets;
    uint32_t mask;      /* of the first token since the last reset */
    uint64_t count;     /* tokens given out since then */
    uint64_t documents; /* exchanges counted since the device was added */
    uint64_t retries_differing;
    uint32_t policy;
    uint8_t blocked;
    uint8_t zero[3];
    struct partition__exchange last;
    int64_t shift_ticket_time; /* of the first ticket of `shift_ticket_shift` */
    uint32_t shift_ticket_shift;
    uint32_t tried_until_s; /* UTC: when the last wrong password is forgiven */
    struct partition__device_totals now;
    struct partition__device_totals closed; /* as they were at the last close */
};
_Static_assert(sizeof(struct partition__exchange) == 64, "format");
_Static_assert(sizeof(struct partition__device) == 224, "format");

/* What organisations have beside registers; keys are partition__organisation_key(). (format) */
struct partition__organisations {
    struct chek_page_map operators;     /* -> struct partition__operator, many under a key */
    struct chek_page_map nomenclatures; /* -> struct partition__nomenclature, by whose it is */
};

/* Somebody who may work at registers. (format) */
struct partition__operator {
    uint32_t registration; /* 0: any of the organisation */
    uint32_t code;
    uint8_t hash[CHEK_OPERATOR_HASH_SIZE]; /* of the password, keyed */
    uint8_t roles;
    uint8_t organisation_size, login_size, name_size;
    uint32_t zero;
    uint8_t organisation[32]; /* zeros behind the text; so do the others */
    uint8_t login[64];
    uint8_t name[64];
};
_Static_assert(sizeof(struct partition__operator) == 208, "format");

/*
 * What is sold at registers: of an organisation, of a trade point of it, or of one. That of the
 * organisation is there with the first of them, and the others are behind it. (format)
 */
struct partition__nomenclature {
    uint64_t version;    /* 0: there never was one; in that of the organisation alone, */
    uint64_t given;      /* the version that was given out last, and */
    uint32_t list_count; /* how many are behind it */
    chek_page_ref next;  /* the next one of the organisation; 0: it is the last */
    int64_t created;     /* civil; 0: not said */
    uint32_t size;       /* of all parts */
    chek_page_ref first; /* 0: it has nothing; in that of the organisation alone */
    uint32_t count;      /* of elements */
    uint32_t device;     /* 0: of no single register */
    uint8_t organisation_size, point_size;
    uint8_t zero[14];
    uint8_t organisation[32]; /* zeros behind the text; so does the other */
    uint8_t point[64];
};
_Static_assert(sizeof(struct partition__nomenclature) == 160, "format");

/* A part of its bytes; the object goes on with `size` of them. (format) */
struct partition__part {
    chek_page_ref next; /* 0: it is the last one */
    uint32_t size;
};

/* A command is counted with this much beside its body: registration records, cells, close rows. */
#define PARTITION_COMMAND_TEXT_SIZE 256
#define PARTITION_SOURCE_SIZE 1024

/* Memory that commands on their way through the log may need, in what fiscal counts by. */
struct partition__claim {
    uint32_t document_count;
    size_t text_size;
};

struct partition__image;

struct chek_partition {
    struct chek_page_heap heap;
    struct chek_store *store;         /* not in partition 0 */
    struct chek_directory *directory; /* partition 0 only */
    struct chek_fiscal fiscal;
    struct chek_partition_sink sink;
    struct chek_event_sink events;
    struct chek_store_config store_config;
    struct chek_arena decode;  /* the body of the command being applied */
    struct chek_arena scratch; /* fiscal's */
    struct partition__claim pending, ensured;
    struct partition__image *image; /* being written in steps, or NULL */
    uint32_t page_count_max;
    uint16_t number;
};

/* The two parts of an image whose sums were checked. Errors: CORRUPT, VERSION. */
CHEK_MUST_USE int partition__image_split(struct chek_bytes_view image, uint16_t number,
                                         struct chek_bytes_view *ret_pages,
                                         struct chek_bytes_view *ret_rest);
void partition__source_add(struct chek_partition *partition, uint64_t source, uint64_t offset);
/* device.c */
CHEK_MUST_USE int partition__apply_device(struct chek_partition *partition,
                                          const struct chek_command *command,
                                          struct chek_outcome *ret);
CHEK_MUST_USE int partition__apply_exchange(struct chek_partition *partition,
                                            const struct chek_command *command,
                                            const struct chek_circumstance *circumstance,
                                            struct chek_outcome *ret);
/* retention.c */
CHEK_MUST_USE int partition__apply_retain(struct chek_partition *partition,
                                          const struct chek_command *command);
bool partition__retention_is_valid(const struct chek_partition *partition);
CHEK_MUST_USE int partition__apply_try(struct chek_partition *partition,
                                       const struct chek_command *command);
/* Forget the exchanges counted last. Only a planted bug does this. */
void partition__devices_forget(struct chek_partition *partition);
bool partition__devices_are_valid(const struct chek_partition *partition);
/* organisation.c */
uint64_t partition__organisation_key(struct chek_bytes_view organisation);
/* Their maps, made when there are none, to be changed. */
struct partition__organisations *partition__organisations_change(struct chek_partition *partition);
/* Forget all of them. Only a planted bug does this. */
void partition__organisations_forget(struct chek_partition *partition);
bool partition__organisations_are_valid(const struct chek_partition *partition);
/* operator.c */
CHEK_MUST_USE int partition__apply_operator(struct chek_partition *partition,
                                            const struct chek_command *command,
                                            struct chek_outcome *ret);
bool partition__operator_is_valid(void *context, uint32_t value);
/* nomenclature.c */
CHEK_MUST_USE int partition__apply_nomenclature(struct chek_partition *partition,
                                                const struct chek_command *command,
                                                struct chek_outcome *ret);
bool partition__nomenclatures_are_valid(const struct chek_partition *partition,
                                        const struct chek_page_map *map);
/* persons.c */
CHEK_MUST_USE int partition__apply_subject(struct chek_partition *partition,
                                           const struct chek_command *command);
CHEK_MUST_USE int partition__apply_erase(struct chek_partition *partition,
                                         const struct chek_command *command,
                                         struct chek_outcome *ret);
/* Forget who was erased. Only a planted bug does this. */
void partition__erasures_forget(struct chek_partition *partition);
bool partition__subjects_are_valid(const struct chek_partition *partition);

#endif
