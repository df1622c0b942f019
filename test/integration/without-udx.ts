// Given to Node with `--import`: a program that runs as where udx-native is not installed.
import { registerHooks } from 'node:module'

registerHooks({
  resolve(specifier, context, next) {
    if (specifier === 'udx-native') {
      throw Object.assign(new Error("Cannot find package 'udx-native'"), { code: 'MODULE_NOT_FOUND' })
    }
    return next(specifier, context)
  }
})
