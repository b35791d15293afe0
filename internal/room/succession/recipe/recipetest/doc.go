// Package recipetest holds recipes to their contract, and runs an ssh server for their tests.
package recipetest
