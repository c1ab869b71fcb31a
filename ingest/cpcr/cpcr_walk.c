/* SPDX-License-Identifier: MIT */
/*
 * cpcr_walk.c - every byte of a request looked at, before protobuf-c does. (R10..R13, R15)
 *
 * Messages are as deep as kkm.proto draws them, and none contains itself, so the places where the
 * walk comes back to are a small array.
 */
#include <stdio.h>

#include "engine/base/assertion.h"
#include "engine/base/cursor.h"
#include "engine/base/utf8.h"
#include "ingest/cpcr/cpcr_message.h"

#define DEPTH_MAX 12
#define TEXT_SIZE_MAX 16384 /* of a text that no rule speaks of */
#define FIELD_NUMBER_MAX 0x1fffffff

enum wire_type { WIRE_VARINT = 0, WIRE_FIXED64 = 1, WIRE_BYTES = 2, WIRE_FIXED32 = 5 };

/* A message that the walk is in. */
struct level {
    const ProtobufCMessageDescriptor *message;
    const struct ingest__cpcr_rules *rules;
    size_t end;    /* offset of what is behind it */
    uint64_t seen; /* its fields: bit n for field number n, all of which are below 64 */
};

struct walk {
    struct chek_cursor in;
    struct level levels[DEPTH_MAX];
    uint32_t depth; /* of the one at work */
    uint16_t version;
    struct chek_cpcr_message *message;
    struct chek_cpcr_fault *fault;
};

uint32_t
chek_cpcr_refuse(struct chek_cpcr_fault *fault, uint32_t code, const char *field, const char *what)
{
    fault->code = code;
    (void)snprintf(fault->text, sizeof fault->text, "%s: %s", field, what);
    return code;
}

static uint32_t
malformed(struct walk *walk, const char *field, const char *what)
{
    return chek_cpcr_refuse(walk->fault, CHEK_CPCR_PROTOCOL_ERROR, field, what);
}

/* As protobuf writes numbers: up to ten bytes, which need not be the shortest form. */
static uint64_t
varint_read(struct chek_cursor *in)
{
    uint64_t value = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
        uint8_t byte = chek_cursor_u8(in);
        if (shift == 63 && byte > 1) {
            break;
        }
        value |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80) {
            return value;
        }
    }
    chek_cursor_fail(in, CHEK_E_NUMBER);
    return 0;
}

static const struct ingest__cpcr_rule *
rule_of(const struct level *level, uint32_t number)
{
    for (uint32_t i = 0; i < level->rules->count; i++) {
        if (level->rules->rules[i].field == number) {
            return &level->rules->rules[i];
        }
    }
    return NULL;
}

/* ---- values ----------------------------------------------------------------------------------- */

static uint32_t
number_walk(struct walk *walk, const ProtobufCFieldDescriptor *field)
{
    uint64_t value = varint_read(&walk->in);
    if (walk->in.error != CHEK_OK) {
        return malformed(walk, field->name, "the number does not end");
    }
    switch (field->type) {
    case PROTOBUF_C_TYPE_UINT32:
        if (value > UINT32_MAX) {
            return malformed(walk, field->name, "the number is above 32 bits");
        }
        break;
    case PROTOBUF_C_TYPE_INT32:
        if ((int64_t)value > INT32_MAX || (int64_t)value < INT32_MIN) {
            return malformed(walk, field->name, "the number is above 32 bits");
        }
        break;
    case PROTOBUF_C_TYPE_ENUM:
        if (value > INT32_MAX ||
            protobuf_c_enum_descriptor_get_value(field->descriptor, (int)value) == NULL) {
            return malformed(walk, field->name, "there is no such value");
        }
        break;
    default:
        break;
    }
    return CHEK_CPCR_OK;
}

static uint32_t
text_walk(struct walk *walk, const ProtobufCFieldDescriptor *field, size_t size)
{
    struct level *level = &walk->levels[walk->depth];
    const struct ingest__cpcr_rule *rule = rule_of(level, field->id);
    size_t size_max = rule != NULL && rule->size_max != 0 ? rule->size_max : TEXT_SIZE_MAX;
    struct chek_bytes_view text = chek_cursor_view(&walk->in, size);
    /* The only bytes that are no text: a message of an older version inside. */
    bool is_text = !(level->message == &ingest__service_request__descriptor && field->id == 10);
    if (text.size > size_max) {
        return malformed(walk, field->name, "the text is too long");
    }
    if (is_text && !chek_utf8_is_valid(text)) {
        return malformed(walk, field->name, "the text is not UTF-8, or has a NUL in it");
    }
    return CHEK_CPCR_OK;
}

/* R13: what OrgRegInfo 6 and 7 are depends on the version; their form tells it. */
static void
org_note(struct walk *walk, uint32_t number, uint64_t value, struct chek_bytes_view text)
{
    if (walk->levels[walk->depth].message != &ingest__org_reg_info__descriptor) {
        return;
    }
    if (number == 6 && text.bytes != NULL) {
        walk->message->org_address_kz = text;
    } else if ((number == 6 || number == 7) && text.bytes == NULL) {
        walk->message->org_tenant = value;
    }
}

/* R12: what is not known is passed over, if it is a field at all. */
static uint32_t
unknown_walk(struct walk *walk, uint32_t number, unsigned type)
{
    struct chek_bytes_view text = {0};
    uint64_t value = 0;
    if (type == WIRE_VARINT) {
        value = varint_read(&walk->in);
    } else if (type == WIRE_FIXED64) {
        value = chek_cursor_u64(&walk->in);
    } else if (type == WIRE_FIXED32) {
        value = chek_cursor_u32(&walk->in);
    } else if (type == WIRE_BYTES) {
        uint64_t size = varint_read(&walk->in);
        if (size > walk->levels[walk->depth].end - walk->in.at) {
            chek_cursor_fail(&walk->in, CHEK_E_SHORT);
        }
        text = chek_cursor_view(&walk->in, (size_t)size);
    } else {
        return malformed(walk, walk->levels[walk->depth].message->short_name,
                         "a field of no known form");
    }
    if (walk->in.error != CHEK_OK) {
        return malformed(walk, walk->levels[walk->depth].message->short_name,
                         "a field ends too late");
    }
    if (text.bytes == NULL || chek_utf8_is_valid(text)) {
        org_note(walk, number, value, text);
    }
    return CHEK_CPCR_OK;
}

static uint32_t
known_walk(struct walk *walk, const ProtobufCFieldDescriptor *field, unsigned type)
{
    struct level *level = &walk->levels[walk->depth];
    bool is_long = field->type == PROTOBUF_C_TYPE_BYTES || field->type == PROTOBUF_C_TYPE_MESSAGE;
    CHEK_ASSERT(field->id < 64);
    uint64_t bit = UINT64_C(1) << field->id;

    if (type != (is_long ? WIRE_BYTES : WIRE_VARINT)) {
        return malformed(walk, field->name, "the field is of another form");
    }
    if (field->label != PROTOBUF_C_LABEL_REPEATED && (level->seen & bit) != 0) {
        return malformed(walk, field->name, "the field is there twice");
    }
    level->seen |= bit;
    if (!is_long) {
        return number_walk(walk, field);
    }
    uint64_t size = varint_read(&walk->in);
    if (walk->in.error != CHEK_OK || size > level->end - walk->in.at) {
        return malformed(walk, field->name, "the field is longer than what it is in");
    }
    if (field->type == PROTOBUF_C_TYPE_BYTES) {
        return text_walk(walk, field, (size_t)size);
    }
    CHEK_ASSERT(walk->depth + 1 < DEPTH_MAX); /* the deepest of kkm.proto is 7 */
    walk->depth += 1;
    walk->levels[walk->depth] = (struct level){
        .message = field->descriptor,
        .rules = ingest__cpcr_rules_of(field->descriptor),
        .end = walk->in.at + (size_t)size,
    };
    return CHEK_CPCR_OK;
}

/* ---- messages --------------------------------------------------------------------------------- */

static uint32_t
field_walk(struct walk *walk)
{
    struct level *level = &walk->levels[walk->depth];
    uint64_t key = varint_read(&walk->in);
    uint64_t number = key >> 3;
    if (walk->in.error != CHEK_OK || walk->in.at > level->end || number == 0 ||
        number > FIELD_NUMBER_MAX) {
        return malformed(walk, level->message->short_name, "a field without a number");
    }
    const ProtobufCFieldDescriptor *field =
        protobuf_c_message_descriptor_get_field(level->message, (unsigned)number);
    uint32_t code = field != NULL ? known_walk(walk, field, (unsigned)key & 7)
                                  : unknown_walk(walk, (uint32_t)number, (unsigned)key & 7);
    if (code == CHEK_CPCR_OK && walk->in.at > level->end) {
        code = malformed(walk, level->message->short_name, "a field is longer than what it is in");
    }
    return code;
}

static const char *
field_name(const struct level *level, uint32_t number)
{
    const ProtobufCFieldDescriptor *field =
        protobuf_c_message_descriptor_get_field(level->message, number);
    CHEK_ASSERT(field != NULL);
    return field->name;
}

/* R15: what should have been there. */
static uint32_t
level_end(struct walk *walk)
{
    const struct level *level = &walk->levels[walk->depth];
    for (uint32_t i = 0; i < level->rules->count; i++) {
        const struct ingest__cpcr_rule *rule = &level->rules->rules[i];
        if (rule->since > walk->version || (level->seen >> rule->field & 1) != 0) {
            continue;
        }
        if (!rule->soft) {
            return malformed(walk, field_name(level, rule->field), "the field is missing");
        }
        if (walk->message->missing == NULL) {
            walk->message->missing = field_name(level, rule->field);
        }
    }
    return CHEK_CPCR_OK;
}

uint32_t
ingest__cpcr_walk(struct chek_bytes_view bytes, uint16_t version, struct chek_cpcr_message *ret,
                  struct chek_cpcr_fault *fault)
{
    struct walk walk = {
        .in = chek_cursor_over(bytes.bytes, bytes.size),
        .version = version,
        .message = ret,
        .fault = fault,
    };
    walk.levels[0] = (struct level){.message = &ingest__request__descriptor,
                                    .rules = ingest__cpcr_rules_of(&ingest__request__descriptor),
                                    .end = bytes.size};
    for (;;) {
        uint32_t code = CHEK_CPCR_OK;
        if (walk.in.at < walk.levels[walk.depth].end) {
            code = field_walk(&walk);
        } else {
            code = level_end(&walk);
            if (code == CHEK_CPCR_OK && walk.depth == 0) {
                return CHEK_CPCR_OK;
            }
            walk.depth -= 1;
        }
        if (code != CHEK_CPCR_OK) {
            return code;
        }
    }
}
