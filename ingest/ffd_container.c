/* SPDX-License-Identifier: MIT */
/*
 * ffd_container.c - messages and containers: which form it is, whether its sums are right, where
 * the document is.
 */
#include "ingest/ffd_container.h"

#include <string.h>

#include "engine/base/cursor.h"
#include "ingest/ffd_tag.h"

#define CRC_BEGIN 0xffff
#define SESSION_VERSION 0xa281 /* 81 A2 */
#define TEST_VERSION 0xfb82    /* 82 FB: packets of a test */
#define CRC_OF_HEAD 1
#define CRC_OF_ALL 2
#define FLAG_RESERVED 0xffc8 /* bit 3, and all above the mode of the answer */
#define CRC_AT 28            /* in a message's head */
#define CONTAINER_KIND 0xa5
#define CONTAINER_VERSION 1
#define SUMS_SIZE 4 /* of a container's head that stored ones have lost */
#define PLACEHOLDER_SIZE 0xffff
#define PLACEHOLDER_CRC 0x1c00 /* 00 1C */
#define DOCUMENT_HEAD_SIZE 4
#define SIGN_SIZE 8
#define BCD_SIZE 8

static const uint8_t signature[] = {0x2a, 0x08, 0x41, 0x0a};

static uint16_t
crc_add(uint16_t crc, const uint8_t *bytes, size_t size)
{
    /* Of the four bits that leave on top: polynomial 1021h. */
    static const uint16_t steps[16] = {0x0000, 0x1021, 0x2042, 0x3063, 0x4084, 0x50a5,
                                       0x60c6, 0x70e7, 0x8108, 0x9129, 0xa14a, 0xb16b,
                                       0xc18c, 0xd1ad, 0xe1ce, 0xf1ef};
    for (size_t i = 0; i < size; i++) {
        crc = (uint16_t)(crc << 4 ^ steps[crc >> 12 ^ bytes[i] >> 4]);
        crc = (uint16_t)(crc << 4 ^ steps[crc >> 12 ^ (bytes[i] & 0x0f)]);
    }
    return crc;
}

uint16_t
chek_ffd_crc(const void *bytes, size_t size, const void *more, size_t more_size)
{
    return crc_add(crc_add(CRC_BEGIN, bytes, size), more, more_size);
}

/* ---- messages --------------------------------------------------------------------------------- */

int
chek_ffd_message_read(struct chek_bytes_view bytes, struct chek_ffd_message *ret)
{
    struct chek_cursor in = chek_cursor_over(bytes.bytes, bytes.size);
    struct chek_ffd_message message = {0};
    const uint8_t *begin = chek_cursor_take(&in, sizeof signature);
    uint16_t version = chek_cursor_u16(&in);
    message.version = version;
    const uint8_t *format = chek_cursor_take(&in, 2);
    const uint8_t *drive = chek_cursor_take(&in, CHEK_FFD_DRIVE_SIZE);
    message.body_size = chek_cursor_u16(&in);
    message.flags = chek_cursor_u16(&in);
    message.crc = chek_cursor_u16(&in);
    if (in.error != CHEK_OK) {
        return in.error;
    }
    if (memcmp(begin, signature, sizeof signature) != 0) {
        return CHEK_E_MAGIC;
    }
    if (version != SESSION_VERSION && version != TEST_VERSION) {
        return CHEK_E_VERSION;
    }
    if (message.body_size > CHEK_FFD_CONTAINER_SIZE_MAX) {
        return CHEK_E_LIMIT;
    }
    if ((message.flags & FLAG_RESERVED) != 0 ||
        (message.flags & CHEK_FFD_FLAG_CRC_MODE) == CHEK_FFD_FLAG_CRC_MODE) {
        return CHEK_E_RESERVED;
    }
    size_t size = strnlen((const char *)drive, CHEK_FFD_DRIVE_SIZE); /* a NUL is padding too */
    while (size > 0 && drive[size - 1] == ' ') {
        size -= 1;
    }
    memcpy(message.drive, drive, size);
    message.format = (uint16_t)(format[0] << 8 | format[1]);
    *ret = message;
    return CHEK_OK;
}

int
chek_ffd_message_check(const struct chek_ffd_message *message, struct chek_bytes_view bytes)
{
    uint16_t mode = message->flags & CHEK_FFD_FLAG_CRC_MODE;
    size_t size = mode == CRC_OF_ALL ? bytes.size - CHEK_FFD_MESSAGE_HEAD_SIZE : 0;
    if (mode == 0) {
        return CHEK_OK;
    }
    uint16_t crc =
        chek_ffd_crc(bytes.bytes, CRC_AT, bytes.bytes + CHEK_FFD_MESSAGE_HEAD_SIZE, size);
    return crc == message->crc ? CHEK_OK : CHEK_E_CHECKSUM;
}

void
chek_ffd_message_write(struct chek_writer *out, const struct chek_ffd_message *message,
                       struct chek_bytes_view body)
{
    uint16_t mode = message->flags & CHEK_FFD_FLAG_CRC_MODE;
    size_t begin = out->size;
    char drive[CHEK_FFD_DRIVE_SIZE];
    memset(drive, ' ', sizeof drive);
    memcpy(drive, message->drive, strlen(message->drive));
    chek_writer_bytes(out, signature, sizeof signature);
    chek_writer_u16(out, message->version);
    chek_writer_u8(out, (uint8_t)(message->format >> 8));
    chek_writer_u8(out, (uint8_t)message->format);
    chek_writer_bytes(out, drive, sizeof drive);
    chek_writer_u16(out, (uint16_t)body.size);
    chek_writer_u16(out, message->flags);
    uint16_t crc = 0;
    if (mode != 0 && !out->full) {
        crc = chek_ffd_crc(out->bytes + begin, CRC_AT, body.bytes,
                           mode == CRC_OF_ALL ? body.size : 0);
    }
    chek_writer_u16(out, crc);
    chek_writer_view(out, body);
}

/* ---- containers ------------------------------------------------------------------------------- */

void
chek_ffd_container_write(struct chek_writer *out, const char *drive, uint32_t number,
                         struct chek_bytes_view document)
{
    size_t size = CHEK_FFD_CONTAINER_HEAD_SIZE + document.size;
    size_t length = strlen(drive);
    uint8_t head[CHEK_FFD_CONTAINER_HEAD_SIZE] = {0};
    chek_store_u16(head, (uint16_t)size);
    head[4] = CONTAINER_KIND;
    head[5] = document.bytes[0];
    head[6] = CONTAINER_VERSION;
    for (size_t i = 0; i < (size_t)2 * BCD_SIZE; i++) {
        unsigned digit = i < length ? (unsigned)(drive[i] - '0') & 0x0f : 0x0f;
        head[9 + i / 2] |= (uint8_t)(i % 2 == 0 ? digit << 4 : digit);
    }
    for (unsigned i = 0; i < 3; i++) {
        head[17 + i] = (uint8_t)(number >> (8 * (2 - i)));
    }
    head[30] = (uint8_t)(document.size >> 8);
    head[31] = (uint8_t)document.size;
    uint16_t crc = crc_add(chek_ffd_crc(head, 2, head + SUMS_SIZE, sizeof head - SUMS_SIZE),
                           document.bytes, document.size);
    chek_store_u16(head + 2, crc);
    chek_writer_bytes(out, head, sizeof head);
    chek_writer_view(out, document);
}

/* ---- documents -------------------------------------------------------------------------------- */

static int
refuse(struct chek_ffd_found *ret, int error, const char *why)
{
    ret->why = why;
    return error;
}

/* A document, and the sign of the message if it is behind it. */
static int
document_find(struct chek_bytes_view bytes, bool bounded, struct chek_ffd_found *ret)
{
    struct chek_cursor in = chek_cursor_over(bytes.bytes, bytes.size);
    ret->code = chek_cursor_u16(&in);
    uint16_t size = chek_cursor_u16(&in);
    ret->elements_at += DOCUMENT_HEAD_SIZE;
    ret->elements = chek_cursor_view(&in, size);
    if (in.error != CHEK_OK) {
        return bounded ? refuse(ret, CHEK_E_RANGE, "the document ends behind what it stands in")
                       : in.error;
    }
    size_t left = chek_cursor_left(&in);
    if (left >= SIGN_SIZE && bytes.bytes[in.at] == 0x81 && bytes.bytes[in.at + 1] == 0x06) {
        const uint8_t *sign = chek_cursor_take(&in, SIGN_SIZE);
        for (size_t i = 0; i < SIGN_SIZE; i++) {
            ret->message_sign = ret->message_sign << 8 | sign[i];
        }
        left -= SIGN_SIZE;
        if (left >= 2 && bytes.bytes[in.at] == 0 && bytes.bytes[in.at + 1] == 0) {
            (void)chek_cursor_take(&in, 2);
            left -= 2;
        }
    }
    if (bounded && left != 0) {
        return refuse(ret, CHEK_E_TRAILING, "the document ends before what it stands in");
    }
    ret->size = bounded ? ret->size : ret->elements_at - DOCUMENT_HEAD_SIZE + in.at;
    return CHEK_OK;
}

/* The FN's number of a container's head: digits of four bits, filled with Fh. */
static bool
drive_read(const uint8_t *bytes, uint64_t *ret)
{
    uint64_t drive = 0;
    bool filled = false;
    for (size_t i = 0; i < (size_t)2 * BCD_SIZE; i++) {
        unsigned digit = i % 2 == 0 ? bytes[i / 2] >> 4 : bytes[i / 2] & 0x0f;
        filled = filled || digit == 0x0f;
        if (filled != (digit == 0x0f) || (!filled && digit > 9)) {
            return false;
        }
        drive = filled ? drive : drive * 10 + digit;
    }
    *ret = drive;
    return true;
}

/* A container from its kind on: 28 bytes and the document. */
static int
content_find(struct chek_bytes_view bytes, bool bounded, struct chek_ffd_found *ret)
{
    struct chek_cursor in = chek_cursor_over(bytes.bytes, bytes.size);
    uint8_t kind = chek_cursor_u8(&in);
    uint8_t code = chek_cursor_u8(&in);
    uint8_t version = chek_cursor_u8(&in);
    (void)chek_cursor_u16(&in); /* service data 1 */
    const uint8_t *drive = chek_cursor_take(&in, BCD_SIZE);
    const uint8_t *number = chek_cursor_take(&in, 3);
    (void)chek_cursor_take(&in, 10); /* service data 2 */
    const uint8_t *length = chek_cursor_take(&in, 2);
    const uint8_t *head = in.bytes + in.at;
    struct chek_bytes_view rest = chek_cursor_view(&in, chek_cursor_left(&in));
    if (length == NULL || rest.size < DOCUMENT_HEAD_SIZE) {
        return bounded ? refuse(ret, CHEK_E_RANGE, "the container is shorter than its head")
                       : CHEK_E_SHORT;
    }
    if (kind != CONTAINER_KIND || version != CONTAINER_VERSION) {
        return refuse(ret, CHEK_E_VERSION, "the container is of another kind or version");
    }
    ret->number = (uint32_t)number[0] << 16 | (uint32_t)number[1] << 8 | number[2];
    size_t size = (size_t)(length[0] << 8 | length[1]);
    if (chek_load_u16(head) != code ||
        (size_t)chek_load_u16(head + 2) + DOCUMENT_HEAD_SIZE != size) {
        ret->encrypted = true;
        return refuse(ret, CHEK_E_VERSION,
                      "the container is encrypted: only the operator's keys open it");
    }
    if (!drive_read(drive, &ret->drive)) {
        return refuse(ret, CHEK_E_NUMBER, "the container's fiscal drive is no number");
    }
    ret->contained = true;
    ret->elements_at += CHEK_FFD_CONTAINER_HEAD_SIZE - SUMS_SIZE;
    return document_find(rest, bounded, ret);
}

/* A container with its size and sum, which stored ones may have placeholders for. */
static int
container_find(struct chek_bytes_view bytes, bool bounded, struct chek_ffd_found *ret)
{
    struct chek_cursor in = chek_cursor_over(bytes.bytes, bytes.size);
    uint16_t size = chek_cursor_u16(&in);
    uint16_t crc = chek_cursor_u16(&in);
    ret->elements_at += SUMS_SIZE;
    if (in.error != CHEK_OK) {
        return in.error;
    }
    if (size == PLACEHOLDER_SIZE && crc == PLACEHOLDER_CRC && !bounded) {
        return content_find(chek_cursor_view(&in, bytes.size - SUMS_SIZE), false, ret);
    }
    if (size < CHEK_FFD_CONTAINER_HEAD_SIZE || size > CHEK_FFD_CONTAINER_SIZE_MAX ||
        (bounded && size != bytes.size)) {
        return refuse(ret, CHEK_E_RANGE, "the container's size is not its own");
    }
    if (bytes.size < size) {
        return CHEK_E_SHORT;
    }
    ret->size = bounded ? ret->size : size;
    if (chek_ffd_crc(bytes.bytes, 2, bytes.bytes + SUMS_SIZE, (size_t)size - SUMS_SIZE) != crc) {
        return refuse(ret, CHEK_E_CHECKSUM, "the container's checksum does not match");
    }
    return content_find(chek_cursor_view(&in, (size_t)size - SUMS_SIZE), true, ret);
}

static int
message_find(struct chek_bytes_view bytes, struct chek_ffd_found *ret)
{
    struct chek_ffd_message message;
    int error = chek_ffd_message_read(bytes, &message);
    if (error != CHEK_OK) {
        return error;
    }
    size_t size = CHEK_FFD_MESSAGE_HEAD_SIZE + (size_t)message.body_size;
    if (bytes.size < size) {
        return CHEK_E_SHORT;
    }
    ret->size = size;
    error = chek_ffd_message_check(&message, chek_bytes_view_of(bytes.bytes, size));
    if (error != CHEK_OK) {
        return refuse(ret, error, "the message's checksum does not match");
    }
    if ((message.flags & CHEK_FFD_FLAG_CONTAINER) == 0) {
        /* A ping: the register asks whether anybody is there. */
        return message.body_size == 0 ? CHEK_OK
                                      : refuse(ret, CHEK_E_RANGE, "a body that is no container");
    }
    ret->elements_at = CHEK_FFD_MESSAGE_HEAD_SIZE;
    return container_find(
        chek_bytes_view_of(bytes.bytes + CHEK_FFD_MESSAGE_HEAD_SIZE, message.body_size), true, ret);
}

/* ---- which form ------------------------------------------------------------------------------- */

static bool
is_document(struct chek_bytes_view bytes)
{
    return bytes.size >= 2 && chek_ffd_kind_find(chek_load_u16(bytes.bytes)) != NULL;
}

static bool
is_content(struct chek_bytes_view bytes)
{
    return bytes.size >= 3 && bytes.bytes[0] == CONTAINER_KIND &&
           bytes.bytes[2] == CONTAINER_VERSION && chek_ffd_kind_find(bytes.bytes[1]) != NULL;
}

static bool
is_container(struct chek_bytes_view bytes)
{
    /* What is a container's kind and code is tag 1189 of a document that begins with it. */
    static const uint8_t first_tag[] = {0xa5, 0x04, 0x01, 0x00};
    if (is_document(bytes) && bytes.size >= SUMS_SIZE + sizeof first_tag &&
        memcmp(bytes.bytes + SUMS_SIZE, first_tag, sizeof first_tag) == 0) {
        return false;
    }
    return bytes.size > SUMS_SIZE + 2 &&
           is_content(chek_bytes_view_of(bytes.bytes + SUMS_SIZE, bytes.size - SUMS_SIZE));
}

static bool
is_message(struct chek_bytes_view bytes)
{
    return bytes.size >= sizeof signature && memcmp(bytes.bytes, signature, sizeof signature) == 0;
}

bool
chek_ffd_is_begin(struct chek_bytes_view bytes)
{
    return is_message(bytes) || is_container(bytes) || is_content(bytes) || is_document(bytes);
}

int
chek_ffd_find(struct chek_bytes_view bytes, struct chek_ffd_found *ret)
{
    *ret = (struct chek_ffd_found){0};
    /* A container's size may look like a document's code: containers are looked for first. */
    if (is_message(bytes)) {
        return message_find(bytes, ret);
    }
    if (is_container(bytes)) {
        return container_find(bytes, false, ret);
    }
    if (is_content(bytes)) {
        return content_find(bytes, false, ret);
    }
    if (is_document(bytes)) {
        return document_find(bytes, false, ret);
    }
    return bytes.size >= CHEK_FFD_BEGIN_SIZE ? CHEK_E_MAGIC : CHEK_E_SHORT;
}
