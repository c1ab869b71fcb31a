/* SPDX-License-Identifier: MIT */
/*
 * verify_command.c - chek verify: a data folder checked offline.
 */
#include <errno.h>
#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/base/limits.h"
#include "engine/base/memory.h"
#include "engine/io/uring.h"
#include "tools/chek/arguments.h"
#include "tools/chek/commands.h"
#include "tools/chek/json.h"
#include "tools/chek/text_table.h"
#include "tools/verify/verify.h"

#define FINDING_SHOWN_MAX 1000 /* for people; programs get all */

/* The head of a partition's chain, to be shown behind the table. */
struct verify_head {
    uint16_t partition;
    uint64_t row_count;
    char hex[2 * CHEK_VERIFY_HEAD_SIZE + 1];
};

struct verify_show {
    struct chek__run *run;
    bool progress; /* a line on stderr is being rewritten */
    uint64_t finding_count;
    struct chek__table table;
    uint64_t empty_count; /* partitions without registrations, not in the table */
    struct verify_head heads[CHEK_PARTITION_COUNT_MAX];
    size_t head_count;
    const struct heads *noted;
};

static void
progress_clear(struct verify_show *show)
{
    if (show->progress) {
        (void)fprintf(stderr, "\r\033[K");
        (void)fflush(stderr);
    }
}

static void
on_progress(void *context, const char *stage, uint64_t done, uint64_t total)
{
    struct verify_show *show = context;
    if (!show->progress) {
        return;
    }
    progress_clear(show);
    if (total != 0) {
        (void)fprintf(stderr, "%s: %" PRIu64 " of %" PRIu64, stage, done, total);
    } else {
        (void)fprintf(stderr, "%s: %" PRIu64, stage, done);
    }
    (void)fflush(stderr);
}

/* ---- findings and notes ----------------------------------------------------------------------- */

static void
line_open(struct chek__run *run, const char *kind, const char *file)
{
    chek__json_open(run);
    chek__json_text(run, "kind", chek_bytes_view_text(kind));
    if (file[0] != '\0') {
        chek__json_text(run, "file", chek_bytes_view_text(file));
    } else {
        chek__json_null(run, "file");
    }
}

static void
finding_json(struct chek__run *run, const struct chek_verify_finding *finding)
{
    line_open(run, "finding", finding->file);
    if (finding->offset != UINT64_MAX) {
        chek__json_number(run, "offset", (int64_t)finding->offset);
    } else {
        chek__json_null(run, "offset");
    }
    if (finding->partition >= 0) {
        chek__json_number(run, "partition", finding->partition);
    } else {
        chek__json_null(run, "partition");
    }
    if (finding->registration != 0) {
        chek__json_number(run, "registration", finding->registration);
    } else {
        chek__json_null(run, "registration");
    }
    chek__json_text(run, "text", chek_bytes_view_text(finding->text));
    chek__json_close(run);
    chek__json_end(run);
}

static void
finding_text(const struct chek_verify_finding *finding)
{
    (void)printf("%s", finding->file[0] != '\0' ? finding->file : "the folder");
    if (finding->offset != UINT64_MAX) {
        (void)printf(", offset %" PRIu64, finding->offset);
    }
    if (finding->partition >= 0) {
        (void)printf(", partition %" PRId32, finding->partition);
    }
    if (finding->registration != 0) {
        (void)printf(", registration %" PRIu32, finding->registration);
    }
    (void)printf(": %s\n", finding->text);
}

static void
on_finding(void *context, const struct chek_verify_finding *finding)
{
    struct verify_show *show = context;
    show->finding_count += 1;
    progress_clear(show);
    if (show->run->json) {
        finding_json(show->run, finding);
    } else if (show->finding_count <= FINDING_SHOWN_MAX) {
        finding_text(finding);
    }
}

static void
on_note(void *context, const char *file, const char *text)
{
    struct verify_show *show = context;
    progress_clear(show);
    if (show->run->json) {
        line_open(show->run, "note", file);
        chek__json_text(show->run, "text", chek_bytes_view_text(text));
        chek__json_close(show->run);
        chek__json_end(show->run);
    } else {
        (void)printf("note: %s%s%s\n", file, file[0] != '\0' ? ": " : "", text);
    }
}

/* ---- heads that were noted --------------------------------------------------------------------- */

#define HEAD_LINE_SIZE 256

struct heads {
    struct chek_verify_anchor *anchors;
    size_t count, capacity;
};

/* Read PARTITION:ROWS:HEX, as chek status --heads prints it. */
static bool
anchor_read(const char *text, struct chek_verify_anchor *ret)
{
    char *end;
    size_t size;
    const char *after;
    errno = 0;
    unsigned long partition = strtoul(text, &end, 10);
    if (*text < '0' || *text > '9' || *end != ':' || partition > CHEK_PARTITION_COUNT_MAX) {
        return false;
    }
    const char *rows = end + 1;
    ret->partition = (uint16_t)partition;
    ret->row_count = strtoull(rows, &end, 10);
    return *rows >= '0' && *rows <= '9' && *end == ':' && errno == 0 &&
           sodium_hex2bin(ret->head, sizeof ret->head, end + 1, strlen(end + 1), NULL, &size,
                          &after) == 0 &&
           size == sizeof ret->head && *after == '\0';
}

static int
anchor_add(struct chek__run *run, struct heads *heads, const char *text)
{
    struct chek_verify_anchor anchor;
    if (!anchor_read(text, &anchor)) {
        return chek__usage(run, "'%s' is not a head: PARTITION:ROWS:HEX", text);
    }
    if (heads->count == heads->capacity) {
        size_t capacity = 2 * heads->capacity + 64;
        struct chek_verify_anchor *grown = chek_memory_grow(
            heads->anchors, heads->capacity * sizeof *grown, capacity * sizeof *grown);
        if (grown == NULL) {
            return chek__error(run, -ENOMEM, NULL, NULL);
        }
        heads->anchors = grown;
        heads->capacity = capacity;
    }
    heads->anchors[heads->count++] = anchor;
    return CHEK__EXIT_DONE;
}

/* Add the lines of a file; empty ones and what begins with # are passed over. */
static int
heads_read(struct chek__run *run, struct heads *heads, const char *path)
{
    char line[HEAD_LINE_SIZE];
    FILE *file = fopen(path, "re");
    if (file == NULL) {
        return chek__error(run, -errno, NULL, path);
    }
    int code = CHEK__EXIT_DONE;
    while (code == CHEK__EXIT_DONE && fgets(line, sizeof line, file) != NULL) {
        line[strcspn(line, "\r\n")] = '\0';
        if (line[0] != '\0' && line[0] != '#') {
            code = anchor_add(run, heads, line);
        }
    }
    (void)fclose(file);
    return code;
}

/* ---- partitions ------------------------------------------------------------------------------- */

static const char *const partition_titles[] = {"partition", "<state", "command", "event",
                                               "registers", "rows",   "shifts",  "reports",
                                               "segments",  "chained"};

static void
chain_json(struct chek__run *run, const struct chek_verify_partition *partition)
{
    char head[2 * CHEK_VERIFY_HEAD_SIZE + 1];
    chek__json_number(run, "chained", (int64_t)partition->chain_row_count);
    chek__json_number(run, "chained_stored", (int64_t)partition->chain_stored_count);
    if (partition->chain_range_count != 0) {
        (void)sodium_bin2hex(head, sizeof head, partition->chain_head,
                             sizeof partition->chain_head);
        chek__json_text(run, "head", chek_bytes_view_text(head));
    } else {
        chek__json_null(run, "head");
    }
}

static void
partition_json(struct chek__run *run, const struct chek_verify_partition *partition)
{
    char hash[24];
    (void)snprintf(hash, sizeof hash, "%016" PRIx64, partition->hash);
    chek__json_open(run);
    chek__json_text(run, "kind", chek_bytes_view_text("partition"));
    chek__json_number(run, "partition", partition->partition);
    chek__json_text(run, "state", chek_bytes_view_text(hash));
    chek__json_number(run, "partition_seq", (int64_t)partition->partition_seq);
    chek__json_number(run, "event_seq", (int64_t)partition->event_seq);
    chek__json_number(run, "registers", (int64_t)partition->registration_count);
    chek__json_number(run, "rows", (int64_t)partition->row_count);
    chek__json_number(run, "shifts", (int64_t)partition->shift_count);
    chek__json_number(run, "reports", (int64_t)partition->report_count);
    chek__json_number(run, "segments", partition->segment_count);
    chain_json(run, partition);
    chek__json_close(run);
    chek__json_end(run);
}

static void
on_partition(void *context, const struct chek_verify_partition *partition)
{
    struct verify_show *show = context;
    char hash[24];
    if (show->run->json) {
        progress_clear(show);
        partition_json(show->run, partition);
        return;
    }
    if (partition->partition != 0 && partition->registration_count == 0) {
        show->empty_count += 1;
        return;
    }
    (void)snprintf(hash, sizeof hash, "%016" PRIx64, partition->hash);
    chek__cell_number(&show->table, partition->partition);
    chek__cell_text(&show->table, hash);
    chek__cell_number(&show->table, partition->partition_seq);
    chek__cell_number(&show->table, partition->event_seq);
    chek__cell_number(&show->table, partition->registration_count);
    chek__cell_number(&show->table, partition->row_count);
    chek__cell_number(&show->table, partition->shift_count);
    chek__cell_number(&show->table, partition->report_count);
    chek__cell_number(&show->table, partition->segment_count);
    chek__cell_number(&show->table, partition->chain_row_count);
    if (partition->chain_range_count != 0 && show->head_count < CHEK_COUNT(show->heads)) {
        struct verify_head *head = &show->heads[show->head_count++];
        head->partition = partition->partition;
        head->row_count = partition->chain_row_count;
        (void)sodium_bin2hex(head->hex, sizeof head->hex, partition->chain_head,
                             sizeof partition->chain_head);
    }
}

/* ---- the end ---------------------------------------------------------------------------------- */

static void
summary_json(struct chek__run *run, const struct chek_verify_summary *summary)
{
    char folder[40];
    (void)snprintf(folder, sizeof folder, "%016" PRIx64 "%016" PRIx64, summary->folder_id[1],
                   summary->folder_id[0]);
    chek__json_open(run);
    chek__json_text(run, "kind", chek_bytes_view_text("summary"));
    chek__json_text(run, "folder", chek_bytes_view_text(folder));
    chek__json_number(run, "generation", (int64_t)summary->generation);
    chek__json_number(run, "manifest", (int64_t)summary->manifest_number);
    chek__json_number(run, "partitions", summary->partition_count);
    chek__json_number(run, "principals", summary->principal_count);
    chek__json_number(run, "files", (int64_t)summary->file_count);
    chek__json_number(run, "file_bytes", (int64_t)summary->file_size);
    chek__json_number(run, "commands", (int64_t)summary->command_count);
    chek__json_number(run, "events", (int64_t)summary->event_count);
    chek__json_number(run, "registers", (int64_t)summary->registration_count);
    chek__json_number(run, "rows", (int64_t)summary->row_count);
    chek__json_number(run, "shifts", (int64_t)summary->shift_count);
    chek__json_number(run, "reports", (int64_t)summary->report_count);
    chek__json_number(run, "findings", (int64_t)summary->finding_count);
    chek__json_close(run);
    chek__json_end(run);
}

static void
summary_text(const struct verify_show *show, const struct chek_verify_summary *summary)
{
    if (show->empty_count != 0) {
        (void)printf("%" PRIu64 " partitions have no register\n", show->empty_count);
    }
    for (size_t i = 0; i < show->head_count; i++) {
        const struct verify_head *head = &show->heads[i];
        (void)printf("%s%u:%" PRIu64 ":%s\n", i == 0 ? "\nheads\n" : "", head->partition,
                     head->row_count, head->hex);
    }
    (void)printf("\n%-16s %" PRIu64 "\n%-16s %" PRIu64 " in %" PRIu64 " files\n", "generation",
                 summary->generation, "snapshot bytes", summary->file_size, summary->file_count);
    (void)printf("%-16s %" PRIu64 "\n%-16s %" PRIu64 "\n", "log commands", summary->command_count,
                 "events", summary->event_count);
    (void)printf("%-16s %" PRIu64 "\n%-16s %" PRIu64 "\n", "registers", summary->registration_count,
                 "rows", summary->row_count);
    (void)printf("%-16s %" PRIu64 "\n%-16s %" PRIu64 " recomputed\n", "shifts",
                 summary->shift_count, "reports", summary->report_count);
    if (summary->finding_count > FINDING_SHOWN_MAX) {
        (void)printf("%-16s %" PRIu64 ", the first %d shown; --json shows all\n", "findings",
                     summary->finding_count, FINDING_SHOWN_MAX);
    } else {
        (void)printf("%-16s %" PRIu64 "\n", "findings", summary->finding_count);
    }
}

static int
folder_verify(struct verify_show *show, struct chek_io *io)
{
    struct chek_verify_config config = {
        .context = show,
        .anchors = show->noted->anchors,
        .anchor_count = show->noted->count,
        .on_finding = on_finding,
        .on_note = on_note,
        .on_partition = on_partition,
        .on_progress = on_progress,
    };
    struct chek_verify_summary summary;
    int error = chek_verify_folder(io, &config, &summary);
    progress_clear(show);
    if (!show->run->json) {
        chek__table_close(&show->table);
    }
    if (error != CHEK_OK) {
        return chek__error(show->run, error, NULL,
                           error == CHEK_E_LOCKED ? "a server runs on this folder: stop it, or "
                                                    "verify a backup"
                                                  : NULL);
    }
    if (show->run->json) {
        summary_json(show->run, &summary);
    } else {
        summary_text(show, &summary);
    }
    return summary.finding_count == 0 ? CHEK__EXIT_DONE : CHEK__EXIT_REFUSED;
}

static int
folder_open(struct chek__run *run, const char *path, const struct heads *noted)
{
    static struct verify_show show;
    struct chek_uring_group *group;
    char text[CHEK_URING_TEXT_SIZE];
    if (chek_uring_probe(text, sizeof text) != CHEK_OK) {
        return chek__error(run, CHEK_E_IO_URING, NULL, text);
    }
    int error = chek_uring_group_create(path, 1, NULL, &group);
    if (error != CHEK_OK) {
        return chek__error(run, error, NULL, NULL);
    }
    show = (struct verify_show){.run = run, .progress = isatty(STDERR_FILENO) == 1, .noted = noted};
    error = run->json ? CHEK_OK
                      : chek__table_open(&show.table, partition_titles,
                                         CHEK_COUNT(partition_titles), false);
    int code = error == CHEK_OK ? folder_verify(&show, chek_uring_io(group, 0))
                                : chek__error(run, error, NULL, NULL);
    chek_uring_group_destroy(group);
    return code;
}

static int
verify(struct chek__run *run, int count, char **words)
{
    static struct chek__list others, single;
    struct heads heads = {0};
    const char *path = NULL;
    const struct chek__option options[] = {{"head", CHEK__OPTION_LIST, &single},
                                           {"heads", CHEK__OPTION_TEXT, &path}};
    int stop = chek__arguments_read(run, count, words, options, CHEK_COUNT(options), &others);
    if (stop != CHEK_OK) {
        return stop - 1;
    }
    if (others.count != 1) {
        return chek__usage(run, "one folder is verified: chek verify DIR");
    }
    if (sodium_init() < 0) {
        return chek__error(run, CHEK_E_IO_URING, NULL, "libsodium does not start");
    }
    int code = path != NULL ? heads_read(run, &heads, path) : CHEK__EXIT_DONE;
    for (uint32_t i = 0; i < single.count && code == CHEK__EXIT_DONE; i++) {
        code = anchor_add(run, &heads, single.values[i]);
    }
    if (code == CHEK__EXIT_DONE) {
        code = folder_open(run, others.values[0], &heads);
    }
    chek_memory_free(heads.anchors, heads.capacity * sizeof *heads.anchors);
    return code;
}

const struct chek__command chek__command_verify = {
    "verify", "check a data folder that no server runs on",
    "  chek verify DIR\n"
    "  chek verify DIR --heads FILE\n"
    "  chek verify DIR --head PARTITION:ROWS:HEX\n\n"
    "  Every sum of every file, the log replayed in memory, then each row and every X, Z and\n"
    "  revision recomputed from the documents, and the chain over the rows. Nothing is changed.\n"
    "  --head, --heads: also compare with what chek status --heads, or an earlier check, printed and\n"
    "  somebody else kept: it finds a folder that was made anew as a whole. `chained` counts rows\n"
    "  that the chain covers; those behind them are in the next head.\n"
    "  Exit 1 when something is wrong: a line each with file, offset and what differs. With --json a\n"
    "  line each of `kind` finding, note or partition, and one `summary` at the end.\n\n"
    "Examples\n"
    "  chek verify /var/lib/chek\n"
    "  chek verify /var/lib/chek --heads heads.txt --json\n",
    verify};
