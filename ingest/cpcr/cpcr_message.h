/* SPDX-License-Identifier: MIT */
/*
 * cpcr_message.h - a register's request: checked and unpacked in one walk over its bytes.
 *
 * protobuf-c's own unpacking is lenient where a register that is wrong must be told so: it cuts
 * numbers, lets a later value win over an earlier one and takes any bytes for a text. So the bytes
 * are walked along its descriptors into its structs here (R10..R13), and what fields are mandatory
 * since which version, and how long a text may be, is looked up in the same walk (cpcr_rules.c).
 *
 *   Rules    ingest/CPCR.md, numbered R1...
 *   Threads  any: no state
 */
#ifndef CHEK_INGEST_CPCR_MESSAGE_H
#define CHEK_INGEST_CPCR_MESSAGE_H

#include "engine/base/arena.h"
#include "engine/base/bytes.h"
#include "engine/base/error.h"
#include "ingest/cpcr/kkm.pb-c.h"

/* Result.result_code. Those that no rule gives are not listed. */
enum chek_cpcr_code {
    CHEK_CPCR_OK = 0,
    CHEK_CPCR_UNKNOWN_ID = 1,
    CHEK_CPCR_INVALID_TOKEN = 2,
    CHEK_CPCR_PROTOCOL_ERROR = 3,
    CHEK_CPCR_UNKNOWN_COMMAND = 4,
    CHEK_CPCR_UNSUPPORTED_COMMAND = 5,
    CHEK_CPCR_INVALID_REQUEST_NUMBER = 8,
    CHEK_CPCR_INVALID_RETRY_REQUEST = 9,
    CHEK_CPCR_OPEN_SHIFT_TIMEOUT_EXPIRED = 11,
    CHEK_CPCR_INCORRECT_REQUEST_DATA = 13,
    CHEK_CPCR_NOT_ENOUGH_CASH = 14,
    CHEK_CPCR_BLOCKED = 15,
    CHEK_CPCR_SAME_TAXPAYER_AND_CUSTOMER = 17,
    CHEK_CPCR_SERVICE_TEMPORARILY_UNAVAILABLE = 254,
};

#define CHEK_CPCR_COMMAND_UNREADABLE 127 /* R14: what is echoed when there is no command to echo */
#define CHEK_CPCR_FAULT_TEXT_MAX 96

/* Why a request was refused: goes into Result. */
struct chek_cpcr_fault {
    uint32_t code; /* enum chek_cpcr_code */
    char text[CHEK_CPCR_FAULT_TEXT_MAX];
};

/* Say what is wrong with which field, cut at the size of the text. Returns `code`. */
uint32_t chek_cpcr_refuse(struct chek_cpcr_fault *fault, uint32_t code, const char *field,
                          const char *what);

struct chek_cpcr_message {
    Ingest__Request *request;
    uint32_t command;
    uint16_t version;    /* of its head */
    const char *missing; /* the first soft field that its version wants and is not there; or NULL */
    uint64_t org_tenant; /* R13 */
    struct chek_bytes_view org_address_kz;
};

/* Bytes of arena that a message of this size may use, at most: more is refused as malformed. */
#define CHEK_CPCR_ARENA_SIZE(size) (64 * 1024 + 32 * (size))

/*
 * Read a request.
 *
 *   Ownership  ret->request is in `arena`; its texts and org_address_kz borrow `bytes`
 *   Returns    CHEK_CPCR_OK, or the code in *fault: ret->command is good (R14), ret->request is not
 */
CHEK_MUST_USE uint32_t chek_cpcr_message_read(struct chek_bytes_view bytes, uint16_t version,
                                              struct chek_arena *arena,
                                              struct chek_cpcr_message *ret,
                                              struct chek_cpcr_fault *fault);

/* What is wanted of a field. */
struct ingest__cpcr_rule {
    uint8_t field;     /* number */
    bool soft;         /* wanted by the text of the protocol, not by its wire form (R15) */
    uint16_t since;    /* version from which the field is mandatory; 0 = always; NEVER */
    uint32_t size_max; /* of a text in bytes; 0 = CPCR_TEXT_SIZE_MAX */
};

struct ingest__cpcr_rules {
    const ProtobufCMessageDescriptor *message;
    const struct ingest__cpcr_rule *rules;
    uint32_t count;
};

/* The rules of a message; never NULL. */
const struct ingest__cpcr_rules *ingest__cpcr_rules_of(const ProtobufCMessageDescriptor *message);

/*
 * Walk a request and all inside it, into ret->request. Unknown fields are not kept.
 *
 *   Errors     the code in *fault, ret->request is unchanged; what fields are missing softly is noted
 *              in *ret alone
 */
CHEK_MUST_USE uint32_t ingest__cpcr_walk(struct chek_bytes_view bytes, uint16_t version,
                                         struct chek_arena *arena, struct chek_cpcr_message *ret,
                                         struct chek_cpcr_fault *fault);

#endif
