/* SPDX-License-Identifier: MIT */
/*
 * chek_kkm.c - the register simulator: add, live, compare, tell.
 */
#include <errno.h>
#include <unistd.h>

#include "tools/kkm/kkm_fleet.h"
#include "tools/kkm/kkm_known.h"
#include "tools/kkm/kkm_report.h"

static int
fail(const struct chek_kkm_options *options, int error, const char *text, const char *hint)
{
    if (options->json) {
        (void)fprintf(stderr, "{\"code\":\"%s\",\"field\":\"\",\"text\":\"%s\",\"hint\":\"%s\"}\n",
                      chek_error_name(error), text, hint);
    } else {
        (void)fprintf(stderr, "chek-kkm: %s%s%s\n", text, hint[0] != 0 ? "; " : "", hint);
    }
    return 1;
}

static int
file_write(const struct chek_kkm_options *options, const char *path,
           int (*write)(const struct chek_kkm_options *options, FILE *out))
{
    bool is_stdout = strcmp(path, "-") == 0;
    FILE *file = is_stdout ? stdout : fopen(path, "we");
    if (file == NULL) {
        return fail(options, -errno, "a list cannot be written", "");
    }
    int error = write(options, file);
    if (!is_stdout && fclose(file) != 0 && error == CHEK_OK) {
        error = -errno;
    }
    return error == CHEK_OK ? 0 : fail(options, error, "a list cannot be written", "");
}

/* Write the lists that are wanted. Below 0: none is; else the exit code. */
static int
lists_write(const struct chek_kkm_options *options)
{
    const struct {
        const char *path;
        int (*write)(const struct chek_kkm_options *options, FILE *out);
    } lists[] = {{options->csv, chek_kkm_list_write},
                 {options->csv_people, chek_kkm_people_write},
                 {options->csv_goods, chek_kkm_goods_write}};
    int code = -1;
    for (size_t i = 0; code <= 0 && i < CHEK_COUNT(lists); i++) {
        if (lists[i].path[0] != 0) {
            code = file_write(options, lists[i].path, lists[i].write);
        }
    }
    return code;
}

static void
show_progress(void *context, const struct chek_kkm_counts *counts)
{
    const struct chek_kkm_options *options = context;
    char bar[41] = "########################################";
    uint64_t shifts = (uint64_t)options->register_count * options->life.shift_count;
    for (uint64_t i = counts->shifts * 40 / shifts; i < 40; i++) {
        bar[i] = '.';
    }
    (void)fprintf(stderr, "\r  %s %llu tickets", bar, (unsigned long long)counts->tickets);
    (void)fflush(stderr);
}

static int
run(struct chek_kkm_options *options)
{
    static struct chek_kkm_run result;
    bool shows = !options->json && isatty(STDERR_FILENO);

    int error = chek_kkm_fleet_run(options, shows ? show_progress : NULL, options, &result);
    if (shows) {
        (void)fprintf(stderr, "\r%78s\r", "");
    }
    if (error != CHEK_OK) {
        return fail(options, error, chek_error_text(error), "--cpcr is HOST:PORT");
    }
    if (result.is_limited && !options->json) {
        (void)fprintf(stderr,
                      "chek-kkm: the file limit allows %u connections, so %u registers worked at "
                      "the same time; ulimit -n raises it\n",
                      result.at_once, result.at_once);
    }
    if (options->json) {
        chek_kkm_report_write_json(options, &result, stdout);
    } else {
        chek_kkm_report_write(options, &result, stdout);
    }
    return chek_kkm_report_is_right(options, &result) ? 0 : 1;
}

int
main(int argc, char **argv)
{
    static struct chek_kkm_options options;

    int left = chek_kkm_options_read(&options, argc, argv);
    if (left >= 0) {
        return left;
    }
    left = lists_write(&options);
    if (left >= 0) {
        return left;
    }
    if (!options.added) {
        struct chek_failure failure;
        int error = chek_kkm_list_add(&options, &failure);
        if (error != CHEK_OK) {
            return fail(&options, error, failure.text,
                        error == CHEK_E_EXISTS ? "--added says that the registers are there"
                                               : "--server and --token-file say where and by whom "
                                                 "registers are added");
        }
    }
    return run(&options);
}
