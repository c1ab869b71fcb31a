/* SPDX-License-Identifier: MIT */
/*
 * image.h - what a snapshot keeps of a store beside its segments (of this room only).
 *
 * An image is: a head, the segments it belongs to with their replaced rows, the dictionaries of
 * what is in them, the open rows, a sum over all of it (README.md "Image" has the byte tables).
 */
#ifndef CHEK_STORE_IMAGE_H
#define CHEK_STORE_IMAGE_H

#define STORE__IMAGE_MAGIC UINT64_C(0x0a474d494b454843) /* "CHEKIMG\n" */
#define STORE__IMAGE_VERSION 2

#define STORE__IMAGE_ROW_SIZE 40 /* of an open row, beside its document and its cell */

#endif
