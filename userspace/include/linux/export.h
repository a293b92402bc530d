/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Reduced: what the library shows is decided when it is linked, by the prefix
 * of the name. That an exported symbol is a global one is checked here.
 */
#ifndef _LINUX_EXPORT_H
#define _LINUX_EXPORT_H

#define EXPORT_SYMBOL_GPL(sym) extern __typeof__(sym) sym

/* One for the files of the module, another for those that use it. */
#ifndef __this_module
#define __this_module shim_user_module
#endif
extern struct module __this_module;
#define THIS_MODULE (&__this_module)

#endif /* _LINUX_EXPORT_H */
