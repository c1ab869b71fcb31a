/* SPDX-License-Identifier: MIT */
/*
 * cpcr_walk.c - every byte of a request looked at, and put where it belongs. (R10..R13, R15, R17)
 *
 * Messages are as deep as kkm.proto draws them, and none contains itself, so the places where the
 * walk comes back to are a small array. What is read goes straight into the structs that protobuf-c
 * made of the schema, at the offsets that its descriptors tell: unpacking once more with its own
 * function took half of the time of a ticket.
 */
#include <stdio.h>

#include "engine/base/assertion.h"
#include "engine/base/cursor.h"
#include "engine/base/utf8.h"
#include "ingest/cpcr/cpcr_message.h"

#define DEPTH_MAX 12
#define LIST_COUNT_MIN 4    /* a repeated field has room for so many, then for twice as many */
#define TEXT_SIZE_MAX 16384 /* of a text that no rule speaks of */
#define FIELD_NUMBER_MAX 0x1fffffff

enum wire_type { WIRE_VARINT = 0, WIRE_FIXED64 = 1, WIRE_BYTES = 2, WIRE_FIXED32 = 5 };

/* A message that the walk is in. */
struct level {
    const ProtobufCMessageDescriptor *message;
    const struct ingest__cpcr_rules *rules;
    uint8_t *made; /* its struct */
    size_t end;    /* offset of what is behind it */
    uint64_t seen; /* its fields: bit n for field number n, all of which are below 64 */
    unsigned at;   /* index of the field that came last */
};

struct walk {
    struct chek_cursor in;
    struct chek_arena *arena;
    size_t arena_end;
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

static uint32_t
no_room(struct walk *walk)
{
    return malformed(walk, "request", "there is more in it than fits");
}

/* Memory for a part of the message. NULL: it takes more than one may, however much is left. (R17) */
static void *
walk_take(struct walk *walk, size_t size)
{
    const struct chek_arena *arena = walk->arena;
    return arena->used <= walk->arena_end && size <= walk->arena_end - arena->used
               ? chek_arena_take(walk->arena, size)
               : NULL;
}

static uint64_t
varint_read_long(struct chek_cursor *in, uint64_t value)
{
    for (unsigned shift = 7; shift < 64; shift += 7) {
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

/* As protobuf writes numbers: up to ten bytes, which need not be the shortest form. */
static inline uint64_t
varint_read(struct chek_cursor *in)
{
    uint8_t byte = chek_cursor_u8(in);
    return CHEK_LIKELY(byte < 0x80) ? byte : varint_read_long(in, byte & 0x7f);
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

/* ---- where values go -------------------------------------------------------------------------- */

/*
 * Room for one more value of a repeated field, behind those that are there. The lists that it grew
 * out of stay in the arena: all of them together are as large as the last. NULL: no room.
 */
static void *
list_add(struct walk *walk, const ProtobufCFieldDescriptor *field, size_t size)
{
    uint8_t *made = walk->levels[walk->depth].made;
    uint8_t *list;
    size_t count;
    memcpy(&count, made + field->quantifier_offset, sizeof count);
    memcpy(&list, made + field->offset, sizeof list);
    if (count == 0 || (count >= LIST_COUNT_MIN && (count & (count - 1)) == 0)) {
        uint8_t *larger = walk_take(walk, (count == 0 ? LIST_COUNT_MIN : 2 * count) * size);
        if (larger == NULL) {
            return NULL;
        }
        if (count != 0) {
            memcpy(larger, list, count * size);
        }
        list = larger;
        memcpy(made + field->offset, &list, sizeof list);
    }
    uint8_t *place = list + count * size;
    count += 1;
    memcpy(made + field->quantifier_offset, &count, sizeof count);
    return place;
}

/* Where the value of a field goes, of which it is then known that it is there. NULL: no room. */
static void *
place_of(struct walk *walk, const ProtobufCFieldDescriptor *field, size_t size)
{
    uint8_t *made = walk->levels[walk->depth].made;
    const protobuf_c_boolean is_there = 1;
    if (field->label == PROTOBUF_C_LABEL_REPEATED) {
        return list_add(walk, field, size);
    }
    if (field->quantifier_offset != 0) { /* a message that is there says so by its pointer */
        memcpy(made + field->quantifier_offset, &is_there, sizeof is_there);
    }
    return made + field->offset;
}

static uint32_t
number_put(struct walk *walk, const ProtobufCFieldDescriptor *field, uint64_t value)
{
    bool is_wide = field->type == PROTOBUF_C_TYPE_UINT64;
    uint32_t narrow =
        field->type == PROTOBUF_C_TYPE_BOOL ? (uint32_t)(value != 0) : (uint32_t)value;
    void *place = place_of(walk, field, is_wide ? sizeof value : sizeof narrow);
    if (place == NULL) {
        return no_room(walk);
    }
    if (is_wide) {
        memcpy(place, &value, sizeof value);
    } else {
        memcpy(place, &narrow, sizeof narrow);
    }
    return CHEK_CPCR_OK;
}

/* ---- values ----------------------------------------------------------------------------------- */

/* The values of most enums go on from the first. */
static bool
enum_has(const ProtobufCEnumDescriptor *known, uint64_t value)
{
    if (value > INT32_MAX) {
        return false;
    }
    if (known->n_value_ranges == 1) {
        return value - (uint64_t)known->value_ranges[0].start_value < known->n_values;
    }
    return protobuf_c_enum_descriptor_get_value(known, (int)value) != NULL;
}

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
        if (!enum_has(field->descriptor, value)) {
            return malformed(walk, field->name, "there is no such value");
        }
        break;
    default:
        CHEK_ASSERT(field->type == PROTOBUF_C_TYPE_UINT64 || field->type == PROTOBUF_C_TYPE_BOOL);
        break;
    }
    return number_put(walk, field, value);
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
    ProtobufCBinaryData said = {text.size, (uint8_t *)(uintptr_t)text.bytes};
    void *place = place_of(walk, field, sizeof said);
    if (place == NULL) {
        return no_room(walk);
    }
    memcpy(place, &said, sizeof said);
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

/* Go into a message; what comes next is in it. */
static uint32_t
level_begin(struct walk *walk, const ProtobufCFieldDescriptor *field, size_t size)
{
    const ProtobufCMessageDescriptor *message = field->descriptor;
    void *made = walk_take(walk, message->sizeof_message);
    void *place = made != NULL ? place_of(walk, field, sizeof made) : NULL;
    if (place == NULL) {
        return no_room(walk);
    }
    message->message_init(made);
    memcpy(place, &made, sizeof made);
    CHEK_ASSERT(walk->depth + 1 < DEPTH_MAX); /* the deepest of kkm.proto is 7 */
    walk->depth += 1;
    walk->levels[walk->depth] = (struct level){
        .message = message,
        .rules = ingest__cpcr_rules_of(message),
        .made = made,
        .end = walk->in.at + size,
    };
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
    return field->type == PROTOBUF_C_TYPE_BYTES ? text_walk(walk, field, (size_t)size)
                                                : level_begin(walk, field, (size_t)size);
}

/* ---- messages --------------------------------------------------------------------------------- */

/* The field of a number; NULL: not in the schema. They mostly come in the order of their numbers. */
static const ProtobufCFieldDescriptor *
field_find(struct level *level, uint32_t number)
{
    const ProtobufCMessageDescriptor *message = level->message;
    unsigned at = level->at;
    if (at == message->n_fields || message->fields[at].id > number) {
        at = 0;
    }
    while (at < message->n_fields && message->fields[at].id < number) {
        at += 1;
    }
    level->at = at;
    return at < message->n_fields && message->fields[at].id == number ? &message->fields[at] : NULL;
}

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
    const ProtobufCFieldDescriptor *field = field_find(level, (uint32_t)number);
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
ingest__cpcr_walk(struct chek_bytes_view bytes, uint16_t version, struct chek_arena *arena,
                  struct chek_cpcr_message *ret, struct chek_cpcr_fault *fault)
{
    struct walk walk; /* the levels are set when the walk comes to them */
    walk.in = chek_cursor_over(bytes.bytes, bytes.size);
    walk.arena = arena;
    walk.arena_end = arena->used + CHEK_CPCR_ARENA_SIZE(bytes.size);
    walk.depth = 0;
    walk.version = version;
    walk.message = ret;
    walk.fault = fault;
    Ingest__Request *request = walk_take(&walk, sizeof *request);
    if (request == NULL) {
        return no_room(&walk);
    }
    ingest__request__init(request);
    walk.levels[0] = (struct level){.message = &ingest__request__descriptor,
                                    .rules = ingest__cpcr_rules_of(&ingest__request__descriptor),
                                    .made = (uint8_t *)request,
                                    .end = bytes.size};
    for (;;) {
        uint32_t code = CHEK_CPCR_OK;
        if (walk.in.at < walk.levels[walk.depth].end) {
            code = field_walk(&walk);
        } else {
            code = level_end(&walk);
            if (code == CHEK_CPCR_OK && walk.depth == 0) {
                ret->request = request;
                return CHEK_CPCR_OK;
            }
            walk.depth -= 1;
        }
        if (code != CHEK_CPCR_OK) {
            return code;
        }
    }
}
