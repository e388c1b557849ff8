/** Whether an interface of the host is named as those that drivers make; they come and go with endpoints. */
export const isNamedAsOurs = (name: string): boolean => /^(cali|cbe-|cbr-)/.test(name);
