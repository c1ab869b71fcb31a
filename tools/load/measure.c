/* SPDX-License-Identifier: MIT */
/*
 * measure.c - what the system tells of a process, a folder and a machine.
 */
#include <ftw.h>
#include <stdio.h>
#include <sys/sysinfo.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "tools/load/spawn.h"

uint64_t
chek_process_cpu_us(pid_t pid)
{
    char path[64];
    char text[1024];
    unsigned long long user = 0, system = 0;
    (void)snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    FILE *file = fopen(path, "r");
    if (file == NULL) {
        return 0;
    }
    size_t size = fread(text, 1, sizeof text - 1, file);
    (void)fclose(file);
    text[size] = 0;
    /* The name in brackets may have blanks; fields 14 and 15 are counted from behind it. */
    const char *after = strrchr(text, ')');
    if (after == NULL || sscanf(after + 1, " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %llu %llu",
                                &user, &system) != 2) {
        return 0;
    }
    return (user + system) * (1000000 / (uint64_t)sysconf(_SC_CLK_TCK));
}

void
chek_process_memory(pid_t pid, uint64_t *ret_now, uint64_t *ret_max)
{
    char path[64];
    char line[256];
    unsigned long long value;
    *ret_now = 0;
    *ret_max = 0;
    (void)snprintf(path, sizeof path, "/proc/%d/status", (int)pid);
    FILE *file = fopen(path, "r");
    while (file != NULL && fgets(line, sizeof line, file) != NULL) {
        if (sscanf(line, "VmRSS: %llu", &value) == 1) {
            *ret_now = value * 1024;
        } else if (sscanf(line, "VmHWM: %llu", &value) == 1) {
            *ret_max = value * 1024;
        }
    }
    if (file != NULL) {
        (void)fclose(file);
    }
}

static uint64_t folder_size; /* nftw() has no context */

static int
entry_count(const char *path, const struct stat *stat, int kind, struct FTW *place)
{
    (void)path;
    (void)place;
    folder_size += kind == FTW_F ? (uint64_t)stat->st_blocks * 512 : 0;
    return 0;
}

uint64_t
chek_folder_size(const char *path)
{
    folder_size = 0;
    (void)nftw(path, entry_count, 16, FTW_PHYS);
    return folder_size;
}

void
chek_machine_name(char *text, size_t size)
{
    char model[128] = "unknown processor";
    char line[512];
    struct utsname system;
    struct sysinfo memory;
    FILE *file = fopen("/proc/cpuinfo", "r");
    while (file != NULL && fgets(line, sizeof line, file) != NULL) {
        if (sscanf(line, "model name : %127[^\n]", model) == 1) {
            break;
        }
    }
    if (file != NULL) {
        (void)fclose(file);
    }
    if (uname(&system) != 0 || sysinfo(&memory) != 0) {
        (void)snprintf(text, size, "%s", model);
        return;
    }
    (void)snprintf(text, size, "%s, %ld processors, %llu GiB, Linux %s", model,
                   sysconf(_SC_NPROCESSORS_ONLN),
                   (unsigned long long)memory.totalram * memory.mem_unit >> 30, system.release);
}
