/* SPDX-License-Identifier: MIT */
/*
 * planted.c - which planted bug is on; product code that is compiled plainly never looks.
 */
#include "engine/base/planted.h"

enum chek_planted chek_planted_bug = CHEK_PLANTED_NONE;
uint32_t chek_planted_countdown;
