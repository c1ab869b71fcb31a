/* SPDX-License-Identifier: MIT */
/*
 * replay.c - run a fuzz target over its corpus, without a fuzzer.
 *
 * Every file is given whole and cut short at every length, each time in a buffer of exactly that
 * size: a decoder that reads past the end is then seen by the address sanitizer.
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/fuzz/fuzz.h"

#define INPUT_SIZE_MAX (1u << 20)
#define CUT_SIZE_MAX 2048u /* longer inputs are cut only below this */

static uint8_t input[INPUT_SIZE_MAX];

static void
run(size_t size)
{
    uint8_t *bytes = malloc(size + (size == 0));
    if (bytes == NULL) {
        abort();
    }
    memcpy(bytes, input, size);
    (void)LLVMFuzzerTestOneInput(bytes, size);
    free(bytes);
}

static int
replay_file(const char *folder, const char *name)
{
    char path[4096];
    if ((size_t)snprintf(path, sizeof path, "%s/%s", folder, name) >= sizeof path) {
        fprintf(stderr, "%s/%s: the path is too long\n", folder, name);
        return 1;
    }
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        perror(path);
        return 1;
    }
    size_t size = fread(input, 1, sizeof input, file);
    int failed = ferror(file) || (size == sizeof input && fgetc(file) != EOF);
    fclose(file);
    if (failed) {
        fprintf(stderr, "%s: not readable, or longer than %u bytes\n", path, INPUT_SIZE_MAX);
        return 1;
    }
    fprintf(stderr, "%s\n", path); /* the last name printed is the one that crashed */
    for (size_t cut = 0; cut < size && cut < CUT_SIZE_MAX; cut++) {
        run(cut);
    }
    run(size);
    return 0;
}

int
main(int argc, char **argv)
{
    if (argc != 2) {
        fprintf(stderr, "usage: %s FOLDER\n", argv[0]);
        return 2;
    }
    DIR *folder = opendir(argv[1]);
    if (folder == NULL) {
        perror(argv[1]);
        return 1;
    }
    int failed = 0;
    size_t file_count = 0;
    for (struct dirent *entry = readdir(folder); entry != NULL; entry = readdir(folder)) {
        if (entry->d_name[0] != '.') {
            failed |= replay_file(argv[1], entry->d_name);
            file_count++;
        }
    }
    closedir(folder);
    if (file_count == 0) {
        fprintf(stderr, "%s: the corpus is empty\n", argv[1]);
        return 1;
    }
    return failed;
}
