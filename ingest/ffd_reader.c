/* SPDX-License-Identifier: MIT */
#include "ingest/ffd_reader.h"

#include <errno.h>
#include <string.h>

#include "engine/base/memory.h"
#include "ingest/ffd_document.h"

/* The largest document and what may stand behind it, with room for pieces. */
#define WINDOW_SIZE ((size_t)256 * 1024)
#define TAIL_SIZE 10 /* the sign of a message, and zeros */

struct chek_ffd_reader {
    struct chek_ffd_sink sink;
    struct chek_ffd_maker *maker;
    uint8_t *window;
    size_t size;     /* bytes in the window */
    uint64_t offset; /* of the window's first byte */
    int stop;        /* why reading ended */
};

int
chek_ffd_reader_create(const struct chek_ffd_sink *sink, struct chek_ffd_reader **ret)
{
    struct chek_ffd_reader *reader = chek_memory_allocate(sizeof *reader);
    if (reader == NULL) {
        return -ENOMEM;
    }
    reader->sink = *sink;
    reader->window = chek_memory_allocate(WINDOW_SIZE);
    if (reader->window == NULL || chek_ffd_maker_create(&reader->maker) != CHEK_OK) {
        chek_ffd_reader_destroy(reader);
        return -ENOMEM;
    }
    *ret = reader;
    return CHEK_OK;
}

void
chek_ffd_reader_destroy(struct chek_ffd_reader *reader)
{
    if (reader == NULL) {
        return;
    }
    chek_ffd_maker_destroy(reader->maker);
    chek_memory_free(reader->window, WINDOW_SIZE);
    chek_memory_free(reader, sizeof *reader);
}

static int
refuse(struct chek_ffd_reader *reader, uint64_t offset, const struct chek_fault *fault,
       const char *text)
{
    return reader->sink.on_refusal(reader->sink.context, offset, fault, text);
}

/* A document that was found in its container: made, and told. */
static int
found_tell(struct chek_ffd_reader *reader, uint64_t offset, const struct chek_ffd_found *found)
{
    struct chek_ffd_made made;
    struct chek_fault fault = {0};
    char why[CHEK_FFD_WHY_SIZE];
    void *context = reader->sink.context;
    if (found->code == 0) {
        return CHEK_OK; /* a ping */
    }
    int error = chek_ffd_make(reader->maker, found, &made, &fault, why);
    if (error != CHEK_OK) {
        return refuse(reader, offset, &fault, why);
    }
    return made.kept || made.noted
               ? reader->sink.on_document(context, offset, &made.document, made.warnings)
               : reader->sink.on_passed(context, offset, made.name);
}

/* Tell what the window holds whole; `ended`: nothing comes behind it. */
static int
window_run(struct chek_ffd_reader *reader, bool ended)
{
    size_t at = 0;
    while (reader->stop == CHEK_OK && at < reader->size) {
        struct chek_bytes_view rest = chek_bytes_view_of(reader->window + at, reader->size - at);
        struct chek_ffd_found found;
        int error = chek_ffd_find(rest, &found);
        bool open = error == CHEK_E_SHORT || rest.size < CHEK_FFD_BEGIN_SIZE ||
                    (error == CHEK_OK && rest.size < found.size + TAIL_SIZE);
        if (open && !ended) {
            break;
        }
        if (error == CHEK_OK) {
            reader->stop = found_tell(reader, reader->offset + at, &found);
        } else {
            struct chek_fault fault = {.code = error};
            reader->stop = refuse(reader, reader->offset + at, &fault,
                                  found.why != NULL ? found.why : chek_error_text(error));
            if (reader->stop == CHEK_OK && found.size == 0) {
                reader->stop = CHEK_E_MAGIC;
            }
        }
        at += found.size;
    }
    reader->size -= at;
    reader->offset += at;
    memmove(reader->window, reader->window + at, reader->size);
    return reader->stop;
}

int
chek_ffd_reader_read(struct chek_ffd_reader *reader, const void *bytes, size_t size)
{
    const uint8_t *from = bytes;
    while (reader->stop == CHEK_OK && size > 0) {
        size_t room = WINDOW_SIZE - reader->size;
        size_t step = size < room ? size : room;
        memcpy(reader->window + reader->size, from, step);
        reader->size += step;
        from += step;
        size -= step;
        (void)window_run(reader, false);
    }
    return reader->stop;
}

int
chek_ffd_reader_end(struct chek_ffd_reader *reader)
{
    return window_run(reader, true);
}
