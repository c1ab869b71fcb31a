/* SPDX-License-Identifier: MIT */
/*
 * import_command.c - chek import: receipts out of files, through the ingest room's readers.
 *
 * A file is read in pieces; each receipt is checked here and fed at once. Results come back in the
 * order of feeding, so that a queue of places is all it takes to say which receipt of which file
 * was refused.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "ingest/export_read.h"
#include "ingest/ffd_container.h"
#include "ingest/ffd_reader.h"
#include "query/client/feeder.h"
#include "tools/chek/arguments.h"
#include "tools/chek/commands.h"
#include "tools/chek/json.h"
#include "tools/chek/text_table.h"

#define PIECE_SIZE (256 * 1024)
#define FRAME_COUNT 16
/* Documents in frames, and those of the frame that is being filled. */
#define PLACE_COUNT ((size_t)(FRAME_COUNT + 2) * CHEK_FRAME_RECEIPT_COUNT_MAX)
#define BAR_WIDTH 40
#define BAR_PERIOD_NS INT64_C(100000000)

struct import_file {
    const char *name;
    uint64_t stored, duplicates, completed, refused, warnings;
    uint64_t passed;      /* right, of a kind that is not stored: at most its number is kept */
    uint64_t differences; /* stored, and their bytes say something else */
    uint64_t found;       /* receipts, refused ones included */
};

/* Where a document that was fed came from. */
struct import_place {
    uint64_t offset;
    uint32_t file;
    bool is_report;
};

struct import {
    struct chek__run *run;
    struct chek_feeder *feeder;
    struct import_file *files;
    uint32_t file_count, file; /* the one that is being read */
    struct import_place *places;
    uint64_t place_count, told_count; /* fed; judged */
    uint8_t *document;                /* encoded */
    uint64_t size_all, size_read;
    int64_t shown_ns;
    bool shows; /* a bar */
    int error;  /* of feeding; final */
};

/* ---- telling ---------------------------------------------------------------------------------- */

static void
bar_clear(struct import *import)
{
    if (import->shows && import->shown_ns != 0) {
        (void)fprintf(stderr, "\r%*s\r", BAR_WIDTH + 40, "");
        import->shown_ns = 0;
    }
}

static void
bar_show(struct import *import)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    int64_t now_ns = (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
    if (!import->shows || now_ns - import->shown_ns < BAR_PERIOD_NS) {
        return;
    }
    char bar[BAR_WIDTH + 1];
    uint64_t all = import->size_all > 0 ? import->size_all : 1;
    uint64_t read = import->size_read < all ? import->size_read : all;
    size_t full = (size_t)((chek_u128)BAR_WIDTH * read / all);
    memset(bar, '.', BAR_WIDTH);
    memset(bar, '#', full);
    bar[BAR_WIDTH] = 0;
    (void)fprintf(stderr, "\r[%s] %3u%%  %" PRIu64 " receipts", bar,
                  (unsigned)((chek_u128)100 * read / all), import->place_count);
    import->shown_ns = now_ns;
}

static void
place_show(struct import *import, uint32_t file, uint64_t offset, int code, const char *field,
           const char *text)
{
    struct chek__run *run = import->run;
    struct import_file *what = &import->files[file];
    bar_clear(import);
    if (!run->json) {
        (void)printf("%s, %" PRIu64 ", %s, %s, %s\n", what->name, offset, chek_error_name(code),
                     field, text);
        return;
    }
    chek__json_open(run);
    chek__json_text(run, "file", chek_bytes_view_text(what->name));
    chek__json_number(run, "offset", (int64_t)offset);
    chek__json_text(run, "code", chek_bytes_view_text(chek_error_name(code)));
    chek__json_text(run, "field", chek_bytes_view_text(field));
    chek__json_text(run, "text", chek_bytes_view_text(text));
    chek__json_close(run);
    chek__json_end(run);
}

static void
refusal_show(struct import *import, uint32_t file, uint64_t offset, int code, const char *field,
             const char *text)
{
    import->files[file].refused += 1;
    place_show(import, file, offset, code, field, text);
}

/* "line.sum", or "line.sum[3]": the fourth line. */
static const char *
field_text(uint16_t field, uint32_t index, char text[96])
{
    const char *name = chek_field_name(field);
    if (index != 0 && name[0] != 0) {
        (void)snprintf(text, 96, "%s[%u]", name, index);
    } else {
        (void)snprintf(text, 96, "%s", name);
    }
    return text;
}

/* ---- feeding ---------------------------------------------------------------------------------- */

/* A report whose number is kept, or is there, or which is of a register that nobody knows: then
 * nothing is missing before it. */
static bool
report_is_passed(const struct chek_result *result)
{
    return result->status == CHEK_STATUS_NOTED || result->status == CHEK_STATUS_DUPLICATE ||
           (result->status == CHEK_STATUS_REFUSED &&
            result->code == (uint32_t)-CHEK_E_UNREGISTERED);
}

static void
on_result(void *context, uint64_t index, const struct chek_result *result)
{
    struct import *import = context;
    struct import_place place = import->places[index % PLACE_COUNT];
    struct import_file *file = &import->files[place.file];
    char field[96];

    import->told_count = index + 1;
    file->warnings += result->warnings != 0;
    if (place.is_report && report_is_passed(result)) {
        file->passed += 1;
        return;
    }
    switch (result->status) {
    case CHEK_STATUS_STORED:
        file->stored += 1;
        return;
    case CHEK_STATUS_DUPLICATE:
        file->duplicates += 1;
        return;
    case CHEK_STATUS_COMPLETED:
        file->completed += 1;
        return;
    default:
        refusal_show(import, place.file, place.offset, -(int)result->code,
                     field_text((uint16_t)result->field, (uint32_t)result->index, field),
                     chek_error_text(-(int)result->code));
    }
}

static int
on_document(void *context, uint64_t offset, const struct chek_document *document, uint32_t warnings)
{
    struct import *import = context;
    struct chek_writer out = chek_writer_over(import->document, CHEK_FRAME_BODY_SIZE_MAX);
    (void)warnings; /* the server says them too */
    chek_document_encode(&out, document);
    import->files[import->file].found += 1;
    if (out.full) {
        refusal_show(import, import->file, offset, CHEK_E_LIMIT, "", "no frame can hold it");
        return CHEK_OK;
    }
    import->places[import->place_count % PLACE_COUNT] = (struct import_place){
        .offset = offset, .file = import->file, .is_report = document->drive_report != NULL};
    import->place_count += 1;
    int error = chek_feeder_add(import->feeder, chek_bytes_view_of(out.bytes, out.size));
    if (error == CHEK_E_LIMIT) {
        import->place_count -= 1; /* it was not added */
        refusal_show(import, import->file, offset, CHEK_E_LIMIT, "", "no frame can hold it");
        return CHEK_OK;
    }
    import->error = error;
    bar_show(import);
    return error;
}

static int
on_refusal(void *context, uint64_t offset, const struct chek_fault *fault, const char *text)
{
    struct import *import = context;
    char field[96];
    import->files[import->file].found += 1;
    refusal_show(import, import->file, offset, fault->code,
                 field_text(fault->field, fault->index, field), text);
    return CHEK_OK;
}

/* A receipt that is stored, whose JSON is not what its bytes say. */
static int
on_difference(void *context, uint64_t offset, const struct chek_fault *fault, const char *text)
{
    struct import *import = context;
    char field[96];
    import->files[import->file].differences += 1;
    place_show(import, import->file, offset, fault->code,
               field_text(fault->field, fault->index, field), text);
    return CHEK_OK;
}

static int
on_passed(void *context, uint64_t offset, const char *name)
{
    struct import *import = context;
    struct import_file *file = &import->files[import->file];
    (void)offset;
    (void)name;
    file->found += 1;
    file->passed += 1;
    return CHEK_OK;
}

/* ---- reading ---------------------------------------------------------------------------------- */

/* The reader that the first bytes of a file ask for; the others are NULL. */
struct import_reader {
    struct chek_fns_json *json;
    struct chek_export_read *export;
    struct chek_ffd_reader *ffd;
};

static int
reader_open(struct import *import, struct chek_bytes_view begin, struct import_reader *reader)
{
    const struct chek_fns_json_sink json_sink = {.context = import,
                                                 .on_document = on_document,
                                                 .on_refusal = on_refusal,
                                                 .on_difference = on_difference};
    const struct chek_ffd_sink ffd_sink = {.context = import,
                                           .on_document = on_document,
                                           .on_refusal = on_refusal,
                                           .on_passed = on_passed};
    enum chek_export_format format = chek_export_detect(begin.bytes, begin.size);
    *reader = (struct import_reader){0};
    if (chek_ffd_is_begin(begin)) {
        return chek_ffd_reader_create(&ffd_sink, &reader->ffd);
    }
    return format == CHEK_EXPORT_NONE
               ? chek_fns_json_create(&json_sink, &reader->json)
               : chek_export_read_create(&json_sink, format, &reader->export);
}

static int
reader_read(struct import_reader *reader, const uint8_t *bytes, size_t size)
{
    if (reader->ffd != NULL) {
        return chek_ffd_reader_read(reader->ffd, bytes, size);
    }
    return reader->json != NULL ? chek_fns_json_read(reader->json, bytes, size)
                                : chek_export_read(reader->export, bytes, size);
}

static int
reader_end(struct import_reader *reader)
{
    if (reader->ffd != NULL) {
        return chek_ffd_reader_end(reader->ffd);
    }
    return reader->json != NULL ? chek_fns_json_end(reader->json)
                                : chek_export_read_end(reader->export);
}

static void
reader_close(struct import_reader *reader)
{
    chek_ffd_reader_destroy(reader->ffd);
    chek_fns_json_destroy(reader->json);
    chek_export_read_destroy(reader->export);
}

/* Read a file to its end through a reader; an error of the file is a refusal of it. `size` bytes
 * of it are in the piece already. */
static void
pieces_read(struct import *import, FILE *file, struct import_reader *reader, uint8_t *piece,
            size_t size)
{
    int error = CHEK_OK;
    while (error == CHEK_OK && size != 0) {
        error = reader_read(reader, piece, size);
        import->size_read += size;
        bar_show(import);
        size = error == CHEK_OK ? fread(piece, 1, PIECE_SIZE, file) : 0;
    }
    if (ferror(file) != 0) {
        import->files[import->file].found += 1;
        refusal_show(import, import->file, 0, -EIO, "", chek_error_text(-EIO));
    } else if (error == CHEK_OK) {
        error = reader_end(reader);
    }
    if (error == CHEK_OK && import->files[import->file].found == 0) {
        refusal_show(import, import->file, 0, CHEK_E_NOT_FOUND, "", "no receipt is in it");
    }
}

static void
file_read(struct import *import, uint8_t *piece)
{
    const char *name = import->files[import->file].name;
    struct import_reader reader;
    bool is_input = strcmp(name, "-") == 0;
    FILE *file = is_input ? stdin : fopen(name, "re");
    struct stat what;

    if (file == NULL) {
        refusal_show(import, import->file, 0, -errno, "", chek_error_text(-errno));
        return;
    }
    if (fstat(fileno(file), &what) == 0 && S_ISDIR(what.st_mode)) {
        refusal_show(import, import->file, 0, -EISDIR, "", chek_error_text(-EISDIR));
        (void)fclose(file);
        return;
    }
    size_t size = fread(piece, 1, PIECE_SIZE, file);
    int error = reader_open(import, chek_bytes_view_of(piece, size), &reader);
    if (error == CHEK_OK) {
        pieces_read(import, file, &reader, piece, size);
        reader_close(&reader);
    } else {
        import->error = error;
    }
    if (!is_input) {
        (void)fclose(file);
    }
}

/* ---- the end ---------------------------------------------------------------------------------- */

static void
file_json(struct chek__run *run, const struct import_file *file)
{
    chek__json_open(run);
    chek__json_text(run, "file", chek_bytes_view_text(file->name));
    chek__json_number(run, "stored", (int64_t)file->stored);
    chek__json_number(run, "duplicates", (int64_t)file->duplicates);
    chek__json_number(run, "completed", (int64_t)file->completed);
    chek__json_number(run, "refused", (int64_t)file->refused);
    chek__json_number(run, "warnings", (int64_t)file->warnings);
    chek__json_number(run, "passed", (int64_t)file->passed);
    chek__json_number(run, "differences", (int64_t)file->differences);
    chek__json_close(run);
    chek__json_end(run);
}

static int
files_show(struct import *import)
{
    static const char *const titles[] = {"<file",     "stored",  "duplicates",
                                         "completed", "refused", "warnings"};
    static struct chek__table table;
    uint64_t passed = 0;
    if (chek__table_open(&table, titles, CHEK_COUNT(titles), false) != CHEK_OK) {
        return -ENOMEM;
    }
    for (uint32_t i = 0; i < import->file_count; i++) {
        const struct import_file *file = &import->files[i];
        passed += file->passed;
        if (import->run->json) {
            file_json(import->run, file);
            continue;
        }
        chek__cell_text(&table, file->name);
        chek__cell_number(&table, file->stored);
        chek__cell_number(&table, file->duplicates);
        chek__cell_number(&table, file->completed);
        chek__cell_number(&table, file->refused);
        chek__cell_number(&table, file->warnings);
    }
    if (!import->run->json) {
        chek__table_close(&table);
        if (passed != 0) {
            (void)printf("%" PRIu64 " documents of kinds that are not stored were passed over\n",
                         passed);
        }
    }
    return CHEK_OK;
}

static bool
memory_take(struct import *import, const struct chek__list *names)
{
    struct chek_arena *kept = &import->run->kept;
    import->places = chek_arena_take(kept, PLACE_COUNT * sizeof *import->places);
    import->document = chek_arena_take(kept, CHEK_FRAME_BODY_SIZE_MAX);
    import->files = chek_arena_take(kept, names->count * sizeof *import->files);
    if (import->places == NULL || import->document == NULL || import->files == NULL) {
        return false;
    }
    import->file_count = names->count;
    for (uint32_t i = 0; i < names->count; i++) {
        struct stat status;
        import->files[i] = (struct import_file){.name = names->values[i]};
        if (stat(names->values[i], &status) == 0 && status.st_size > 0) {
            import->size_all += (uint64_t)status.st_size;
        }
    }
    return true;
}

static int
files_import(struct import *import)
{
    struct chek__run *run = import->run;
    uint8_t *piece = chek_arena_take(&run->kept, PIECE_SIZE);
    uint64_t refused = 0;
    if (piece == NULL) {
        return chek__error(run, -ENOMEM, NULL, NULL);
    }
    for (; import->file < import->file_count && import->error == CHEK_OK; import->file++) {
        file_read(import, piece);
    }
    int error = import->error == CHEK_OK ? chek_feeder_flush(import->feeder) : import->error;
    bar_clear(import);
    for (uint32_t i = 0; i < import->file_count; i++) {
        refused += import->files[i].refused;
    }
    (void)files_show(import);
    if (error != CHEK_OK) {
        return chek__failure(run, chek_feeder_failure(import->feeder));
    }
    if (chek_feeder_count(import->feeder).alarm) {
        return chek__error(run, CHEK_E_GAP, NULL, "the server lost what it had acknowledged");
    }
    return refused == 0 ? CHEK__EXIT_DONE : CHEK__EXIT_REFUSED;
}

static int
import(struct chek__run *run, int count, char **words)
{
    static struct chek__list names;
    struct chek_failure failure;
    struct import what = {.run = run, .shows = isatty(STDERR_FILENO) == 1};
    struct chek_feeder_options options = {
        .frame_count = FRAME_COUNT, .context = &what, .on_result = on_result};
    int stop = chek__arguments_read(run, count, words, NULL, 0, &names);
    if (stop != CHEK_OK) {
        return stop - 1;
    }
    if (names.count == 0) {
        return chek__usage(run, "chek import FILE..");
    }
    stop = chek__connection(run, &options.connection);
    if (stop != CHEK_OK) {
        return stop;
    }
    if (!memory_take(&what, &names)) {
        return chek__error(run, -ENOMEM, NULL, NULL);
    }
    what.shows = what.shows && !run->json;
    if (chek_feeder_open(&options, &what.feeder, &failure) != CHEK_OK) {
        return chek__failure(run, &failure);
    }
    stop = files_import(&what);
    chek_feeder_close(what.feeder);
    return stop;
}

const struct chek__command chek__command_import = {
    "import", "receipts from files; their format is found by content",
    "  chek import FILE..            (- is the standard input)\n\n"
    "  Reads Russian receipts as JSON: the tax service's application, its API, its cabinet,\n"
    "  checking services, one receipt or many; what chek export wrote; and Russian fiscal\n"
    "  documents as bytes (TLV), alone, in containers or in messages. Receipts, strict forms,\n"
    "  corrections and closes of shifts are stored; other documents are checked and counted as\n"
    "  passed over, though the number of a drive's report is kept (chek gaps). A line is shown for each receipt that is refused\n"
    "  (file, offset, code, field, text), at the end a line a file. Receipts that are there\n"
    "  already are duplicates, which is no error.\n\n"
    "Examples\n"
    "  chek import receipts.json\n"
    "  chek import export/*.json --json\n"
    "  chek import fiscal-drive.bin\n",
    import};
