/** Vue: a store's object as a ref. */
import { getCurrentInstance, onMounted, onScopeDispose, shallowRef } from "vue";
import type { ShallowRef } from "vue";

import type { Store } from "./store.js";

/** What a store holds, for as long as the component, or the scope, is there. `first` is what a server renders, and a browser first. */
export function follow<T>(store: Store<T>, first: T, begin = () => {}): Readonly<ShallowRef<T>> {
  const shown = shallowRef(first);
  const start = () => {
    const show = () => (shown.value = store.get());
    stop = store.subscribe(show);
    show();
    begin();
  };
  let stop = () => {};
  onScopeDispose(() => stop());
  if (getCurrentInstance()) onMounted(start);
  else start();
  return shown;
}
